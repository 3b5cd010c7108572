# Aalen's additive hazards model, survival::aareg.
# The rows are sorted by time, events first: aareg's own test.var2 adds up sorted influences by unsorted clusters.
# veteran_factor ends at maxtime: from then on nobody at risk has an adenocarcinoma, whose variance R computes as 1e-17
# instead of 0 and inverts (its tolerance is relative to the column itself), so that it goes on with noise.
# Whole-number weights are written out as so many rows, since aareg's test.var takes an event of weight 2 for one.
source("common.R")
additive <- function(id, dataset, description, covariates, time, event, times, entry = NULL, weights = NULL, cluster = NULL,
                     robust = FALSE, nmin = NULL, maxtime = Inf, ...) {
  o <- list(covariates = covariates, time = time, event = event, times = I(times), entry = entry, weights = weights,
            cluster = cluster, robust = robust, min_at_risk = nmin, ...)
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o)
  d$..t <- as.numeric(ev(time, d)); d$..e <- as.numeric(ev(event, d))
  d$..w <- if (is.null(weights)) 1 else ev(weights, d)
  if (!robust && !is.null(weights)) { d <- d[rep(seq_len(nrow(d)), d$..w), ]; d$..w <- 1 }
  d <- d[order(d$..t, -d$..e), ]
  d$..c <- if (is.null(cluster)) seq_len(nrow(d)) else ev(cluster, d)
  assign("d", d, globalenv())
  f <- fml(if (is.null(entry)) "Surv(..t, ..e)" else sprintf("Surv(%s, ..t, ..e)", entry), covariates)
  call <- list(f, data = quote(d), weights = quote(..w))
  if (robust) call <- c(call, list(cluster = quote(..c)))
  if (!is.null(nmin)) call$nmin <- nmin
  fits <- lapply(c(aalen = "aalen", nrisk = "nrisk"), function(test) do.call(aareg, c(call, list(test = test))))
  a <- fits$aalen
  upto <- findInterval(times, a$times)
  at <- function(m) { m <- rbind(0, apply(m, 2, cumsum)); rownames(m) <- NULL; m[upto + 1, , drop = FALSE] }
  variance <- if (robust) {
    distinct <- unique(a$times)
    t(vapply(times, function(s) { use <- which(distinct <= s)
      colSums(apply(a$dfbeta[, , use, drop = FALSE], c(1, 2), sum)^2) }, numeric(ncol(a$coefficient))))
  } else at(a$coefficient^2)
  tests <- lapply(fits, function(fit) { s <- if (is.finite(maxtime)) summary(fit, maxtime = maxtime) else summary(fit)
    list(z = V(s$table[, "z"]), p = V(s$table[, "p"]), chisq = as.numeric(s$chisq)) })
  case(id, dataset, description, "aareg(); summary()", o,
    list(columns = I(colnames(a$coefficient)), n_time_used = length(unique(a$times[a$times <= maxtime])), n_time = a$n[3],
         last_time = max(a$times[a$times <= maxtime]),
         estimate = mat(at(a$coefficient)), std_error = mat(sqrt(variance)), tests = tests))
}
lung3 <- c("age", "sex", "ph.ecog")
additive("lung", "lung", "tied times", "age + sex + ph.ecog", "time", "status == 2", c(5, 100, 365, 700), dropna = I(lung3))
additive("lung_robust", "lung", "sandwich variance", "age + sex + ph.ecog", "time", "status == 2", c(5, 100, 365, 700), robust = TRUE, dropna = I(lung3))
additive("lung_all", "lung", "until the design is singular", "age + sex + ph.ecog", "time", "status == 2", c(365, 765, 883), nmin = 1, dropna = I(lung3))
additive("lung_weights", "lung", "weights that are not whole numbers", "age + ph.ecog", "time", "status == 2", c(100, 365), weights = "age / 60", robust = TRUE, dropna = I(lung3))
additive("lung_replicated", "lung", "weights 1 and 2: so many rows", "age + ph.ecog", "time", "status == 2", c(100, 365), weights = "sex", dropna = I(lung3))
additive("veteran_one", "veteran", "a single covariate", "karno", "time", "status == 1", c(10, 100, 300))
additive("veteran_one_robust", "veteran", "a single covariate, sandwich variance", "karno", "time", "status == 1", c(10, 100, 300), robust = TRUE)
additive("veteran_factor", "veteran", "a factor", "karno + celltype + prior", "time", "status == 1", c(10, 100, 180), maxtime = 186)
additive("pbc", "pbc", "logarithms, a few ties", "age + edema + log(bili) + log(protime)", "time", "status == 2", c(200, 1000, 2000, 3000), dropna = I(c("age", "edema", "bili", "protime")))
additive("retinopathy", "retinopathy", "two eyes of a patient", "trt + age", "futime", "status == 1", c(5, 20, 40), cluster = "id", robust = TRUE)
additive("heart", "heart", "start-stop rows, a covariate that changes", "age + surgery + transplant", "stop", "event == 1", c(5, 50, 150), entry = "start", subset = "stop > 3")
additive("heart_robust", "heart", "start-stop rows, summed by patient", "age + surgery + transplant", "stop", "event == 1", c(5, 50, 150), entry = "start", cluster = "id", robust = TRUE, subset = "stop > 3")
additive("channing", "kmsurv_channing", "delayed entry", "gender", "age", "death == 1", c(900, 1000, 1100), entry = "ageentry", robust = TRUE, subset = "(age > ageentry) & (age > 800)")
write_cases("aalen")
