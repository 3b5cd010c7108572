# Fine-Gray models beyond competing_risks.R: effects that change with time and groups of censoring by cmprsk's crr, weights as rows of crr,
# strata as crr's scores and informations added up, and survival's finegray with coxph for strata with censoring of their own, and clusters.
# (finegray estimates censoring without its weights, and within its strata knows their own event times alone: neither is used here.)
source("common.R")
suppressMessages(library(cmprsk))
fg_data <- function(dataset, o) { d <- prep(dataset, o); d$..t <- as.numeric(ev(o$time, d)); d$..c <- as.integer(ev(o$status, d)); d }
fg_x <- function(d, covs) { X <- sapply(covs, function(v) as.numeric(ev(v, d))); colnames(X) <- covs; X }
G <- list(gtol = 1e-12, maxiter = 100)
cif <- function(f, times, ...) { p <- predict(f, ...); lapply(seq_len(ncol(p) - 1), function(i) V(vapply(times, function(t) { k <- which(p[, 1] <= t); if (length(k)) p[max(k), i + 1] else 0 }, 0))) }
opt <- function(...) { o <- list(...); o[!vapply(o, is.null, TRUE)] }
fit <- function(d, X, cause, ...) do.call(crr, c(list(d$..t, d$..c, X, failcode = cause, cencode = 0), G, list(...)))
told <- function(f) list(coef = V(f$coef), var = mat(unname(f$var)), loglik = f$loglik)

fg_tv <- function(id, dataset, description, time, status, covs, tv, steps = NULL, fun = NULL, cause = 1, at, times, dropna = NULL, cengroup = NULL) {
  o <- opt(time = time, status = status, covariates = I(covs), cause = cause, time_varying = tv, steps = if (!is.null(steps)) I(steps), fun = fun, at = at, times = I(times), dropna = if (!is.null(dropna)) I(dropna), censoring_group = cengroup)
  d <- fg_data(dataset, o); X <- fg_x(d, covs)
  tf <- if (is.null(fun)) function(u) sapply(seq_len(length(steps) + 1), function(k) as.numeric(findInterval(u, steps, left.open = TRUE) == k - 1)) else function(u) cbind(match.fun(fun)(u))
  keep <- if (is.null(fun)) setdiff(covs, tv) else covs
  Z <- do.call(cbind, rep(list(X[, tv]), if (is.null(fun)) length(steps) + 1 else 1))
  colnames(Z) <- paste0(tv, seq_len(ncol(Z)))
  extra <- if (is.null(cengroup)) list() else list(cengroup = as.integer(factor(ev(cengroup, d))))
  f <- do.call(fit, c(list(d, X[, keep, drop = FALSE], cause, cov2 = Z, tf = tf), extra))
  new <- unlist(at[covs])
  v <- c(told(f), list(loglik_null = f$loglik.null, predicted = cif(f, times, cov1 = new[keep], cov2 = rep(new[tv], ncol(Z)))[[1]], wald = NULL))
  case(id, dataset, description, "crr(cov1, cov2, tf)", o, v)
}
fg_tv("fg_tv_steps_bmtcrr", "bmtcrr", "an effect in three periods", "ftime", "Status", c("Age", "(D == 'AML') * 1"), "Age", steps = c(3, 8), at = list(Age = 40, `(D == 'AML') * 1` = 1), times = c(3, 6, 12, 24))
fg_tv("fg_tv_log_bmtcrr", "bmtcrr", "an effect that changes with log time", "ftime", "Status", c("Age", "(D == 'AML') * 1"), "Age", fun = "log", at = list(Age = 40, `(D == 'AML') * 1` = 1), times = c(3, 6, 12, 24))
fg_tv("fg_tv_identity_follic", "follic", "an effect that changes with time", "time", "status", c("age", "hgb"), "hgb", fun = "identity", at = list(age = 60, hgb = 130), times = c(1, 5, 10))
fg_tv("fg_tv_steps_follic", "follic", "an effect in two periods, competing event", "time", "status", c("age", "hgb"), "age", steps = 4, cause = 2, at = list(age = 60, hgb = 130), times = c(1, 5, 10))

fg_groups <- function(id, dataset, description, time, status, covs, cengroup, cause = 1, dropna = NULL) {
  o <- opt(time = time, status = status, covariates = I(covs), cause = cause, censoring_group = cengroup, dropna = if (!is.null(dropna)) I(dropna))
  d <- fg_data(dataset, o); X <- fg_x(d, covs)
  f <- fit(d, X, cause, cengroup = as.integer(factor(ev(cengroup, d))))
  dd <- data.frame(t = d$..t, c = factor(d$..c, 0:max(d$..c)), X, g = ev(cengroup, d), id = seq_len(nrow(d))); names(dd)[3:(2 + length(covs))] <- paste0("x", seq_along(covs))
  rhs <- paste0("x", seq_along(covs), collapse = "+")
  fg <- finegray(fml("Surv(t, c)", paste(rhs, "+ id + g + strata(g)")), dd, etype = as.character(cause), id = id)
  e <- coxph(fml("Surv(fgstart, fgstop, fgstatus)", paste(rhs, "+ strata(g)")), fg, weights = fgwt, ties = "efron", cluster = id, control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50))
  case(id, dataset, description, "crr(cengroup); finegray(strata()) + coxph(strata(), ties = 'efron', cluster = id)", o, c(told(f), list(efron_strata_coef = V(coef(e)), efron_strata_var = mat(unname(vcov(e))))))
}
fg_groups("fg_groups_bmtcrr", "bmtcrr", "groups of censoring", "ftime", "Status", c("Age", "(D == 'AML') * 1"), "Source")
fg_groups("fg_groups_follic", "follic", "groups of censoring, four", "time", "status", c("age", "hgb"), "clinstg * 10 + (ch == 'Y') * 1")
fg_groups("fg_groups_mgus2", "mgus2_cr", "groups of censoring, tied months", "etime", "event", c("age", "mspike"), "sex", dropna = "mspike")

fg_weights <- function(id, dataset, description, time, status, covs, weights, cluster, cause = 1) {
  o <- opt(time = time, status = status, covariates = I(covs), cause = cause, whole_weights = weights, cluster = cluster)
  d <- fg_data(dataset, o); X <- fg_x(d, covs); w <- as.integer(ev(weights, d)); k <- rep(seq_len(nrow(d)), w)
  f <- fit(d[k, ], X[k, , drop = FALSE], cause)
  dd <- data.frame(t = d$..t, c = factor(d$..c, 0:max(d$..c)), X, g = ev(cluster, d), id = seq_len(nrow(d))); names(dd)[3:(2 + length(covs))] <- paste0("x", seq_along(covs))
  rhs <- paste0("x", seq_along(covs), collapse = "+"); lhs <- "Surv(fgstart, fgstop, fgstatus)"; ctl <- coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50)
  g <- finegray(Surv(t, c) ~ ., dd, etype = as.character(cause), id = id)
  h <- coxph(fml(lhs, rhs), g, weights = fgwt, ties = "efron", cluster = g, control = ctl)
  case(id, dataset, description, "crr of repeated rows; finegray() + coxph(cluster)", o, c(told(f), list(n = length(k), clustered_efron_coef = V(coef(h)), clustered_efron_var = mat(unname(vcov(h))))))
}
fg_weights("fg_weights_follic", "follic", "weights", "time", "status", c("age", "hgb"), "1 + (clinstg == 2) * 2", "age")

fg_strata <- function(id, dataset, description, time, status, covs, strata, cause = 1) {
  o <- opt(time = time, status = status, covariates = I(covs), cause = cause, strata = strata)
  d <- fg_data(dataset, o); X <- fg_x(d, covs); s <- as.integer(factor(ev(strata, d))); b <- rep(0, ncol(X))
  for (i in 1:25) { fs <- lapply(unique(s), function(k) crr(d$..t[s == k], d$..c[s == k], X[s == k, , drop = FALSE], failcode = cause, cencode = 0, init = b, maxiter = 0)); H <- Reduce(`+`, lapply(fs, `[[`, "inf")); b <- b + solve(H, Reduce(`+`, lapply(fs, `[[`, "score"))) }
  B <- Reduce(`+`, lapply(fs, function(f) f$inf %*% f$var %*% f$inf)); H <- solve(H)
  case(id, dataset, description, "crr(init, maxiter = 0) of each stratum, scores and informations added up", o, list(coef = V(b), var = mat(unname(H %*% B %*% H)), loglik = sum(sapply(fs, `[[`, "loglik"))))
}
fg_strata("fg_strata_follic", "follic", "a baseline for each stratum", "time", "status", c("age", "hgb"), "clinstg")
fg_strata("fg_strata_bmtcrr", "bmtcrr", "a baseline for each stratum", "ftime", "Status", c("Age", "(Source == 'PB') * 1"), "D")
write_cases("fine_gray")
