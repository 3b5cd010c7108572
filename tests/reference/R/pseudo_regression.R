# Regression of pseudo-values: leave-one-out by prodlim's jackknife() (incidence, survival) or by survfit() without each patient (means),
# then geepack's geese() with independent working covariance, or lm() with the HC0 sandwich, which is the same with the identity link.
source("common.R")
suppressMessages({library(prodlim); library(geepack); library(sandwich)})
left_out_mean <- function(d, cause, tau) {
  area <- function(d) { s <- summary(survfit(Surv(..t, factor(..c, 0:max(ALL))) ~ 1, d), rmean = tau)$table; s[if (is.null(cause)) 1 else 1 + cause, "rmean"] }
  ALL <<- d$..c; n <- nrow(d); whole <- area(d)
  n * whole - (n - 1) * vapply(seq_len(n), function(i) area(d[-i, ]), 0)
}
pr <- function(id, dataset, description, time, status, terms, cause = NULL, times = NULL, tau = NULL, link = "identity", cluster = NULL, subset = NULL, dropna = NULL, derive = NULL) {
  o <- list(time = time, event = status, terms = I(terms), cause = cause, times = if (!is.null(times)) I(times), tau = tau, link = link, cluster = cluster, subset = subset, dropna = dropna, derive = derive)
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o); d$..t <- as.numeric(ev(time, d)); d$..c <- as.integer(ev(status, d)); d$..id <- if (is.null(cluster)) seq_len(nrow(d)) else as.integer(factor(d[[cluster]])); d <- d[order(d$..id), ]
  P <- if (!is.null(tau)) matrix(left_out_mean(d, cause, tau)) else if (is.null(cause)) jackknife(prodlim(Hist(..t, ..c) ~ 1, d), times = times) else jackknife(prodlim(Hist(..t, ..c) ~ 1, d), times = times, cause = cause)
  survival <- is.null(cause) && is.null(tau)
  if (survival && link == "cloglog") P <- 1 - P  # the scale of 1 - S, so that coefficients are log hazard ratios
  m <- ncol(P); long <- d[rep(seq_len(nrow(d)), each = m), ]; long$y <- as.vector(t(P)); long$..at <- factor(rep(seq_len(m), nrow(d)))
  f <- as.formula(paste("y ~", paste(c(terms, if (m > 1) "..at"), collapse = "+")))
  start <- c(if (link == "log") log(mean(long$y)) else 0, rep(0, ncol(model.matrix(f, long)) - 1))
  g <- geese(f, id = ..id, data = long, mean.link = link, corstr = "independence", scale.fix = TRUE, b = start, control = geese.control(epsilon = 1e-13, maxit = 200))
  names(g$beta) <- colnames(model.matrix(f, long)); V1 <- g$vbeta
  if (link == "identity") { l <- lm(f, long); V2 <- vcovCL(l, cluster = long$..id, type = "HC0", cadjust = FALSE); stopifnot(isTRUE(all.equal(unname(coef(l)), unname(g$beta), tolerance = 1e-8)), isTRUE(all.equal(unname(V2), unname(V1), tolerance = 1e-6))) }
  stopifnot(all(is.finite(g$beta)))
  case(id, dataset, description, sprintf("geese(pseudo-values ~ terms, mean.link = '%s', corstr = 'independence', scale.fix = TRUE)", link), o, list(coef = V(g$beta), var = mat(unname(V1)), n = nrow(d), mean = V(colMeans(P))))
}
for (link in c("identity", "log", "logit", "cloglog")) {
  pr(paste0("pr_bmtcrr_", link), "bmtcrr", "incidence at one time", "ftime", "Status", c("Age", "D", "Source"), cause = 1, times = 24, link = link)
  pr(paste0("pr_bmtcrr_times_", link), "bmtcrr", "incidence at three times", "ftime", "Status", c("Age", "D"), cause = 2, times = c(6, 12, 36), link = link)
  pr(paste0("pr_veteran_", link), "veteran", "survival at two times", "time", "status", c("karno", "trt"), times = c(90, 180), link = link)
}
for (link in c("identity", "log")) {
  pr(paste0("pr_bmtcrr_lost_", link), "bmtcrr", "time lost to a cause", "ftime", "Status", c("Age", "D"), cause = 1, tau = 36, link = link)
  pr(paste0("pr_veteran_mean_", link), "veteran", "restricted mean survival", "time", "status", c("karno", "trt"), tau = 365, link = link)
}
pr("pr_bmtcrr_clusters", "bmtcrr", "clusters", "ftime", "Status", c("Age", "D"), cause = 2, times = c(12, 36), link = "cloglog", cluster = "Phase")
pr("pr_veteran_clusters", "veteran", "clusters", "time", "status", "karno", times = 180, cluster = "diagtime")
write_cases("pseudo_regression")
