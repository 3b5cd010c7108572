# Restricted means with the infinitesimal-jackknife variance, and pseudo-values of survival and restricted mean.
# survfit's own se(rmean) is Greenwood's even for robust = TRUE (3.5-3), so the robust one is summed up from residuals.
source("common.R")
robust_mean <- function(id, dataset, description, time, event, by, tau, entry = NULL, weights = NULL, cluster = NULL, subset = NULL) {
  o <- list(time = time, event = event, by = by, tau = tau, entry = entry, weights = weights, cluster = cluster, subset = subset)
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o)
  d$..t <- as.numeric(ev(time, d)); d$..e <- as.numeric(ev(event, d)); d$..g <- factor(ev(by, d))
  d$..w <- if (is.null(weights)) 1 else ev(weights, d)
  d$..c <- if (is.null(cluster)) seq_len(nrow(d)) else ev(cluster, d)
  assign("d", d, globalenv())
  outcome <- if (is.null(entry)) "Surv(..t, ..e)" else sprintf("Surv(%s, ..t, ..e)", entry)
  groups <- levels(d$..g)
  one <- lapply(groups, function(g) {
    assign("dg", d[d$..g == g, ], globalenv())
    f <- eval(parse(text = sprintf("survfit(%s ~ 1, data = dg, weights = ..w, robust = FALSE)", outcome)), globalenv())
    tb <- summary(f, rmean = tau)$table
    u <- as.vector(residuals(f, times = tau, type = "rmst")) * dg$..w
    list(label = paste0(by, "=", g), rmean = unname(tb["rmean"]), se = unname(tb[grep("se\\(rmean", names(tb))]),
         robust_se = sqrt(sum(tapply(u, dg$..c, sum)^2)), u = u, cluster = dg$..c) })
  u <- c(-one[[1]]$u, one[[2]]$u); cl <- c(one[[1]]$cluster, one[[2]]$cluster)
  case(id, dataset, description, "survfit(..., robust = FALSE); residuals(, type = 'rmst')", o,
    list(label = I(vapply(one, `[[`, "", "label")), rmean = V(sapply(one, `[[`, "rmean")), se = V(sapply(one, `[[`, "se")),
         robust_se = V(sapply(one, `[[`, "robust_se")), difference_robust_se = sqrt(sum(tapply(u, cl, sum)^2))))
}
pseudo_case <- function(id, dataset, description, time, event, times, tau) {
  o <- list(time = time, event = event, times = I(times), tau = tau)
  d <- prep(dataset, o); d$..t <- as.numeric(ev(time, d)); d$..e <- as.numeric(ev(event, d)); assign("d", d, globalenv())
  n <- nrow(d); at <- function(x) summary(survfit(Surv(..t, ..e) ~ 1, x), times = times, extend = TRUE)$surv
  full <- at(d); jk <- t(vapply(seq_len(n), function(i) n * full - (n - 1) * at(d[-i, ]), full))
  f <- eval(quote(survfit(Surv(..t, ..e) ~ 1, d)), globalenv())
  case(id, dataset, description, "n S - (n - 1) S_-i; survival::pseudo(survfit(), type = 'surv' and 'RMST')", o,
    list(jackknife = mat(jk), infinitesimal = mat(pseudo(f, times = times, type = "surv")),
         infinitesimal_rmst = V(as.vector(pseudo(f, times = tau, type = "RMST")))))
}
robust_mean("robust_lung_weights", "lung", "weights that are not whole numbers", "time", "status == 2", "sex", 600, weights = "age / 60")
robust_mean("robust_lung_unweighted", "lung", "the infinitesimal jackknife without weights", "time", "status == 2", "sex", 600)
robust_mean("robust_retinopathy_cluster", "retinopathy", "two eyes of a patient, one in each group", "futime", "status == 1", "trt", 48, cluster = "id")
robust_mean("robust_channing_entry", "kmsurv_channing", "delayed entry", "age", "death == 1", "gender", 1080, entry = "ageentry", subset = "(age > ageentry) & (ageentry >= 850)")
pseudo_case("pseudo_aml", "aml", "pseudo-values with ties", "time", "status == 1", c(9, 18, 31, 48), 48)
pseudo_case("pseudo_bmt", "kmsurv_bmt", "pseudo-values of disease-free survival", "t2", "d3 == 1", c(100, 365, 730), 730)
write_cases("rmst_robust")
