# Models of rates: what glm, sandwich and MASS say of clustered counts; age-period-cohort models; trends in segments.
source("common_epi.R")
suppressMessages({library(sandwich); library(MASS); library(Epi); library(splines)})
cols <- function(d) lapply(d, I1)
set.seed(11)
n <- 200
d <- data.frame(centre = rep(1:20, each = 10), x = round(rnorm(n), 3), g = sample(c("a", "b", "c"), n, TRUE), years = round(runif(n, .5, 4), 2))
u <- rgamma(20, 4, 4)[d$centre]
d$d <- rpois(n, u*d$years*exp(-.4 + .3*d$x + .4*(d$g == "b")))
d$m <- 3 + rpois(n, 5); d$k <- rbinom(n, d$m, pmin(.25*exp(.2*d$x), .9))
add("clustered_counts", "inline", "Counts in 20 centres: vcovCL HC0 and HC1 of a Poisson fit, quasi-Poisson tests, glm.nb with vcovCL, binomial counts with a log link",
  "glm; sandwich::vcovCL; MASS::glm.nb", list(data = cols(d)), {
  c8 <- glm.control(epsilon = 1e-14, maxit = 100)
  f <- glm(d ~ x + g + offset(log(years)), poisson, d, control = c8)
  q <- glm(d ~ x + g + offset(log(years)), quasipoisson, d, control = c8); s <- summary(q)$coefficients
  nb <- glm.nb(d ~ x + g + offset(log(years)), d, control = glm.control(epsilon = 1e-14, maxit = 100))
  lb <- glm(cbind(k, m - k) ~ x + g, binomial("log"), d, start = c(-1.4, 0, 0, 0), control = c8)
  fp <- function(at) { b <- coef(q)[at]; W <- drop(b %*% solve(vcov(q)[at, at], b)); pf(W/length(at), length(at), q$df.residual, lower.tail = FALSE) }
  list(coef = I1(coef(f)), se_HC0 = I1(sqrt(diag(vcovCL(f, d$centre, type = "HC0", cadjust = FALSE)))), se_HC1 = I1(sqrt(diag(vcovCL(f, d$centre, type = "HC1", cadjust = TRUE)))),
    quasi_p = I1(s[, 4]), quasi_low = I1(coef(q) - qt(.975, q$df.residual)*s[, 2]), quasi_f_p = I1(c(fp(2), fp(3:4))),
    nb_coef = I1(coef(nb)), nb_se_HC0 = I1(sqrt(diag(vcovCL(nb, d$centre, type = "HC0", cadjust = FALSE)))),
    logbin_coef = I1(coef(lb)), logbin_se = I1(sqrt(diag(vcov(lb)))), logbin_loglik = as.numeric(logLik(lb))) })
# glm stops when its deviance has settled to 1e-8, with the weights of the step before: the same models, taken to their end
strict <- function(...) { g <- function(b = NULL) glm(..., family = poisson, control = glm.control(epsilon = 1e-15, maxit = 50), start = b); f <- g(coef(g())); list(coef = I1(coef(f)), se = I1(sqrt(diag(vcov(f))))) }
diet <- rd("diet"); diet$hi <- as.integer(diet$energy.grp == ">2750 KCals")
la <- rd("lalonde"); la$z <- as.integer(la$re78 == 0)
add("strict_poisson_robust_diet", "diet", "poisson_robust_diet, iterated to the end", "glm(epsilon = 1e-15)", list(), strict(chd ~ hi + height + offset(log(y)), data = diet))
add("strict_modified_poisson_lalonde_re78zero", "lalonde", "modified_poisson_lalonde_re78zero, iterated to the end", "glm(epsilon = 1e-15)", list(), strict(z ~ treat + age + educ + married, data = la))
# Age-period-cohort models: further parametrizations of Epi, other weights, no references, factors of squares
ld <- rd("lungdk"); td <- rd("testisdk")
shown <- function(f) list(age = mat(f$Age), per = mat(f$Per), coh = mat(f$Coh), drift = mat(f$Drift))
apc <- function(...) shown(apc.fit(..., print.AOV = FALSE))
for (pr in c("AdCP", "Ad-P-C", "AC-P", "AP-C")) add(paste0("apc_", pr), "lungdk", paste("Epi, knots 5, parm", pr), "apc.fit(ref.c = 1900, ref.p = 1970)", list(parm = pr),
  apc(A = ld$Ax, P = ld$Px, D = ld$D, Y = ld$Y, npar = c(A = 5, P = 5, C = 5), parm = pr, ref.c = 1900, ref.p = 1970, scale = 1e5))
for (w in c("D", "1")) add(paste0("apc_weights_", w), "testisdk", paste("No references, drift weighted by", w, "; knots 6, 4 and 5; testis cancer at 15-64"), "apc.fit(dr.extr)", list(subset = "(A >= 15) & (A < 65)", dr = w),
  { z <- td[td$A >= 15 & td$A < 65, ]; apc(A = z$A + .5, P = z$P + .5, D = z$D, Y = z$Y, npar = c(A = 6, P = 4, C = 5), parm = "ACP", dr.extr = w, scale = 1e5, alpha = .1) })
add("apc_squares", "lungdk", "Factors of squares", "apc.fit(model = 'factor')", list(), {
  z <- aggregate(cbind(D, Y) ~ A5 + P5, ld, sum); apc(A = z$A5, P = z$P5, D = z$D, Y = z$Y, model = "factor", parm = "APC", ref.c = 1903, ref.p = 1968, scale = 1e5) })
# Epi 2.47 takes the offset of Ad-C-P's last step from age and drift; here from cohort, as its documentation and Ad-P-C have it
add("apc_Ad-C-P_in_order", "lungdk", "Ad-C-P with period fitted to what cohort leaves", "glm, one after the other", list(), {
  a <- ld$Ax; p <- ld$Px; k <- p - a; q <- function(x) quantile(rep(x, ld$D), (1:5 - .5)/5)
  MA <- Ns(a, knots = q(a)); m <- glm(D ~ MA + I(k - 1900), offset = log(Y), family = poisson, data = ld, control = glm.control(epsilon = 1e-14))
  step <- function(x, x0, eta) { M <- Ns(x, knots = q(x)); kn <- attr(M, "knots"); b <- attr(M, "Boundary.knots"); r <- ns(x0, knots = kn, Boundary.knots = b)
    z <- detrend(rbind(r, M), c(x0, x), weight = c(0, ld$Y)); X <- cbind(1, x - x0, sweep(z[-1, , drop = FALSE], 2, z[1, ]))
    f <- glm(D ~ X - 1, offset = eta, family = poisson, data = ld, control = glm.control(epsilon = 1e-14)); u <- !duplicated(round(x, 6)); o <- order(x[u])
    list(eta = predict(f, type = "link"), effect = mat(unname(cbind(x[u], ci.exp(f, ctr.mat = X[u, ]))[o, ]))) }
  s1 <- step(k, 1900, predict(m, type = "link")); s2 <- step(p, 1970, s1$eta); list(coh = s1$effect, per = s2$effect) })
# Trends in segments: every set of joinpoints on the years, with two years or more before, after and between them, by lm
swe <- rd("swe_population_deaths")
segments <- function(x, y, w, k) {
  n <- length(x); grid <- 3:(n - 2); sets <- if (k) combn(grid, k) else matrix(0, 0, 1)
  if (k > 1) sets <- sets[, apply(sets, 2, function(s) all(diff(s) >= 3)), drop = FALSE]
  basis <- function(s) { X <- cbind(1, x - x[1]); for (i in s) X <- cbind(X, pmax(0, x - x[i])); X }
  sse <- apply(sets, 2, function(s) sum(.lm.fit(sqrt(w)*basis(s), sqrt(w)*y)$residuals^2))
  s <- sets[, which.min(sse)]; X <- basis(s); f <- lm(y ~ X - 1, weights = w); df <- n - 2*(k + 1)
  V <- summary(f)$cov.unscaled*min(sse)/df; L <- cbind(0, 1, if (k) rbind(0, lower.tri(diag(k), TRUE)*1)); b <- drop(L %*% coef(f)); se <- sqrt(diag(L %*% V %*% t(L)))
  ends <- c(x[1], x[s], x[n]); len <- diff(ends)/(x[n] - x[1]); a <- sum(len*b); sa <- sqrt(drop(len %*% L %*% V %*% t(L) %*% len)); q <- if (k) qnorm(.975) else qt(.975, df)
  near <- if (k) lapply(1:k, function(j) { lim <- min(sse)*(1 + qf(.95, 1, df)/df); x[range(sets[j, sse <= lim])] }) else list()
  list(k = k, joinpoints = I1(x[s]), sse = min(sse), bic = log(min(sse)/n) + 2*(k + 1)*log(n)/n, apc = I1(100*(exp(b) - 1)), low = I1(100*(exp(b - qt(.975, df)*se) - 1)), high = I1(100*(exp(b + qt(.975, df)*se) - 1)),
    p = I1(2*pt(-abs(b/se), df)), aapc = I1(100*(exp(a + c(0, -1, 1)*q*sa) - 1)), near = lapply(near, I1), fitted = I1(exp(fitted(f))))
}
for (w in c("plain", "weighted")) { z <- aggregate(cbind(deaths, mean_population) ~ year, swe[swe$age %in% 60:64 & swe$sex == 1, ], sum)
  add(paste0("joinpoints_", w), "inline", paste("Mortality of Swedish men of 60-64 years, log rates,", w), "lm on every set of joinpoints", list(data = cols(z)), {
    r <- z$deaths/z$mean_population; lapply(0:3, function(k) segments(z$year, log(r), if (w == "weighted") z$deaths else rep(1, nrow(z)), k)) }) }
finish("rate_models", c("sandwich", "MASS", "Epi"))
