# Calibration at a horizon, of predictions that are columns of the data (no model of the data is judged, so that nothing but calibration is
# compared): smooth curves by a restricted cubic spline of cloglog(risk) in coxph and crr and of logit(risk) in glm (knots of Hmisc),
# ICI, E50, E90 and Emax; intercept and slope by geese() on prodlim's pseudo-values with the cloglog link, as van Geloven et al 2022;
# slope by coxph and crr. `risk` stands in the options as an expression.
source("common.R")
suppressMessages({library(prodlim); library(geepack); library(cmprsk); library(Hmisc)})
cll <- function(p) log(-log(1 - p))
distances <- function(p, o) { e <- abs(p - o); list(ICI = mean(e), E50 = median(e), E90 = unname(quantile(e, .9)), Emax = max(e)) }
recalibrated <- function(d, P) {
  one <- function(f, b) geese(f, id = seq_len(nrow(d)), data = d, mean.link = "cloglog", corstr = "independence", scale.fix = TRUE, b = b, control = geese.control(epsilon = 1e-14, maxit = 500))
  d$P <- P; s <- one(P ~ x, c(0, 1)); i <- one(P ~ offset(x), 0)
  list(intercept = unname(i$beta), intercept_se = sqrt(i$vbeta[1, 1]), slope = unname(s$beta[2]), slope_se = sqrt(s$vbeta[2, 2]))
}
at_horizon <- function(id, dataset, description, time, status, risk, t, knots = 3, dropna = NULL) {
  o <- list(time = time, event = status, risk = risk, times = t, knots = knots, dropna = if (!is.null(dropna)) I(dropna)); o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o); d$..t <- as.numeric(ev(time, d)); d$..c <- as.integer(ev(status, d)); d$p <- as.numeric(ev(risk, d)); d$x <- cll(d$p)
  B <- rcspline.eval(d$x, nk = knots, inclx = TRUE); competing <- max(d$..c) > 1
  if (competing) {
    f <- crr(d$..t, d$..c, B, failcode = 1, cencode = 0, gtol = 1e-12); H <- cumsum(f$bfitj)[sum(f$uftime <= t)]; o1 <- 1 - exp(-H * exp(drop(B %*% f$coef)))
    l <- crr(d$..t, d$..c, cbind(d$x), failcode = 1, cencode = 0, gtol = 1e-12); ph <- list(slope = unname(l$coef), se = sqrt(l$var[1, 1]))
    P <- jackknife(prodlim(Hist(..t, ..c) ~ 1, d), times = t, cause = 1)[, 1]; q <- summary(survfit(Surv(..t, factor(..c, 0:2)) ~ 1, d), times = t); obs <- q$pstate[1, 2]; se <- q$std.err[1, 2]
  } else {
    f <- coxph(Surv(..t, ..c) ~ B, d, control = coxph.control(eps = 1e-12, toler.chol = 1e-13)); S <- survfit(f, newdata = list(B = B), se.fit = FALSE); o1 <- 1 - S$surv[sum(S$time <= t), ]
    l <- coxph(Surv(..t, ..c) ~ x, d, control = coxph.control(eps = 1e-12, toler.chol = 1e-13)); ph <- list(slope = unname(coef(l)), se = sqrt(vcov(l)[1, 1]))
    P <- 1 - jackknife(prodlim(Hist(..t, ..c) ~ 1, d), times = t)[, 1]; q <- summary(survfit(Surv(..t, ..c) ~ 1, d), times = t); obs <- 1 - q$surv; se <- q$std.err
  }
  case(id, dataset, description, "coxph / crr(rcs of cloglog(risk)); geese(pseudo-values, mean.link = 'cloglog')", o,
    c(list(n = nrow(d), observed = obs, observed_se = se, expected = mean(d$p), curve = V(o1[1:20]), hazards = ph), distances(d$p, o1), recalibrated(d, P)))
}
binary <- function(id, dataset, description, event, risk, knots = 3) {
  o <- list(event = event, risk = risk, knots = knots); d <- prep(dataset, o); y <- as.integer(ev(event, d)); p <- as.numeric(ev(risk, d)); B <- rcspline.eval(qlogis(p), nk = knots, inclx = TRUE)
  f <- glm(y ~ B, binomial, control = glm.control(epsilon = 1e-14, maxit = 100)); z <- predict(f, se.fit = TRUE); q <- qnorm(.975); s <- lowess(p, y, iter = 0); sm <- approx(s, xout = p, ties = mean)$y
  x <- qlogis(p); tight <- glm.control(epsilon = 1e-14, maxit = 100); a <- glm(y ~ offset(x), binomial, control = tight); b <- glm(y ~ x, binomial, control = tight)
  case(id, dataset, description, "glm(rcs of logit(risk)); lowess(iter = 0)", o, c(list(intercept = unname(coef(a)), intercept_se = sqrt(vcov(a)[1, 1]), slope = unname(coef(b)[2]), slope_se = sqrt(vcov(b)[2, 2]), curve = V(fitted(f)[1:20]), low = V(plogis(z$fit - q * z$se.fit)[1:20]), high = V(plogis(z$fit + q * z$se.fit)[1:20]), lowess = distances(p, sm)), distances(p, fitted(f))))
}
mgus <- "1 / (1 + exp(-(0.09 * age - 0.2 * hgb - 4.2)))"
at_horizon("survival_mgus2", "mgus2", "death at 60 months", "futime", "death", mgus, 60, dropna = "hgb")
at_horizon("survival_mgus2_knots", "mgus2", "death at 120 months, 5 knots", "futime", "death", mgus, 120, knots = 5, dropna = "hgb")
at_horizon("survival_pbc", "pbc", "death at 3 years", "time", "status == 2", "1 - exp(-exp(0.8 * log(bili) + 0.04 * age - 4.8))", 1095)
at_horizon("competing_bmtcrr", "bmtcrr", "relapse at 24 months", "ftime", "Status", "1 - exp(-exp(-0.03 * Age - 0.2))", 24)
at_horizon("competing_mgus2", "mgus2_cr", "progression at 120 months", "etime", "event", "1 - exp(-0.06 * exp(0.5 * (mspike - 1.2)))", 120, dropna = "mspike")
binary("binary_nhefs_p1", "pred_nhefs", "death", "y", "p1")
binary("binary_nhefs_p2", "pred_nhefs", "death, 4 knots", "y", "p2", knots = 4)
write_cases("calibration")
