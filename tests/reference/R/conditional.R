# Conditional survival: the curve of those with follow-up beyond `given`, at given + ahead.
source("common.R")
conditional <- function(id, dataset, description, time, event, given, ahead, conf_type, by = NULL, entry = NULL, weights = NULL, cluster = NULL, robust = FALSE, subset = NULL) {
  o <- list(time = time, event = event, by = by, entry = entry, weights = weights, cluster = cluster, robust = robust, given = I(given), ahead = I(ahead), conf_type = conf_type, subset = subset)
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o)
  d$..t <- as.numeric(ev(time, d)); d$..e <- as.numeric(ev(event, d)); d$..g <- if (is.null(by)) factor("all") else factor(ev(by, d))
  d$..w <- if (is.null(weights)) 1 else ev(weights, d)
  d$..c <- if (is.null(cluster)) seq_len(nrow(d)) else ev(cluster, d)
  rows <- list()
  for (k in levels(d$..g)) for (g in given) {
    assign("dg", d[d$..g == k & d$..t > g, ], globalenv()); assign("ct", conf_type, globalenv())
    outcome <- if (is.null(entry)) "Surv(..t, ..e)" else sprintf("Surv(%s, ..t, ..e)", entry)
    how <- if (robust) "cluster = ..c, robust = TRUE" else "robust = FALSE"
    f <- eval(parse(text = sprintf("survfit(%s ~ 1, data = dg, weights = ..w, conf.type = ct, %s)", outcome, how)), globalenv())
    s <- summary(f, times = g + ahead, extend = TRUE)
    for (j in seq_along(ahead)) rows[[length(rows) + 1]] <- list(label = if (is.null(by)) "all" else paste0(by, "=", k), given = g, time = g + ahead[j],
      n_event = sum(s$n.event[1:j]), surv = s$surv[j], std_err = s$std.err[j], lower = s$lower[j], upper = s$upper[j])
  }
  case(id, dataset, description, "summary(survfit(Surv(time, event) ~ 1, subset = time > given), times = given + ahead)", o, list(rows = rows))
}
conditional("cond_mgus2", "mgus2", "by sex, deaths at the months survived", "futime", "death == 1", c(0, 60, 120), c(12, 60), "log-log", by = "sex")
conditional("cond_lung_weights", "lung", "weights, robust variance", "time", "status == 2", c(90, 180), 180, "log", weights = "age / 60", robust = TRUE)
conditional("cond_retinopathy", "retinopathy", "clusters", "futime", "status == 1", c(6, 12), c(12, 24), "plain", by = "trt", cluster = "id", robust = TRUE)
conditional("cond_channing", "kmsurv_channing", "delayed entry", "age", "death == 1", c(900, 960), 60, "log-log", by = "gender", entry = "ageentry", subset = "age > ageentry")
write_cases("conditional")
