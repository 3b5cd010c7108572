# Counts along time: control charts by qcc (exact limits by qpois and qbinom, Laney's by his formula), run lengths of Poisson
# CUSUMs by spc, segmented and calendar regression with Newey and West's variance, shares of clustered consultations, Erlang C.
source("common.R")
suppressMessages({library(qcc); library(spc); library(MASS); library(sandwich)})
tail_ <- pnorm(-3)
chart <- function(id, events, size, type, description) {
  q <- qcc(events, sizes = size, type = type, plot = FALSE); n <- rep_len(size, length(events)); shares <- type == "p"
  if (type == "c") n <- rep(1, length(events))
  e <- sqrt(q$center * (if (shares) 1 - q$center else 1) / n); z <- (events / n - q$center) / e
  s <- mean(abs(diff(z))) / (2 / sqrt(pi)); u <- q$center + 3 * s * e
  quant <- function(p) if (shares) qbinom(p, n, q$center) / n else qpois(p, q$center * n) / n
  lim <- function(j) rep_len(q$limits[, j], length(events))
  case(id, NA, description, "qcc(type); qpois, qbinom; Laney 2002", list(events = V(events), size = V(n), kind = type),
    list(center = q$center, low = V(lim(1)), high = V(lim(2)), beyond = V(q$violations$beyond.limits), exact_low = V(quant(tail_)), exact_high = V(quant(1 - tail_)),
      sigma_z = s, laney_low = V(pmax(q$center - 3 * s * e, 0)), laney_high = V(if (shares) pmin(u, 1) else u)))
}
data(orangejuice); data(circuit); data(pcmanufact)
chart("p_orangejuice", orangejuice$D, orangejuice$size, "p", "Montgomery's orange juice cans, all samples")
chart("c_circuit", circuit$x, circuit$size, "c", "Montgomery's printed circuit boards")
chart("u_pcmanufact", pcmanufact$x, pcmanufact$size, "u", "Montgomery's personal computers")
chart("p_peaches", c(47,42,55,51,46,61,39,44,41,51,88,101,101,40,48,47,50,48,57,45,43,105,98,100,96),
  250 * c(1,1,1,1,1,1,1,1,1,1,2,2,2,1,1,1,1,1,1,1,1,2,2,2,2), "p", "bruised peaches of Pyzdek and Keller, table 9.6; sizes differ")
chart("u_hours", c(61, 70, 55, 90, 101, 66, 72, 58, 49, 77, 120, 81), c(168, 168, 167, 168, 169, 168, 168, 120, 96, 168, 168, 168), "u", "weeks of different hours")
arl <- function(mu0, k, m, hm, true) pois.cusum.arl(mu0 * true, k, hm, m)
for (g in list(c(4, 5, 1, 8), c(4, 11, 2, 21), c(1, 3, 2, 10), c(2, 5, 2, 12))) {
  k <- g[2] / g[3]; R <- uniroot(function(r) (r - 1) * g[1] / log(r) - k, c(1.0001, 20), tol = 1e-14)$root
  case(sprintf("cusum_%g_%g_%g_%g", g[1], g[2], g[3], g[4]), NA, "mean run length of a Poisson CUSUM that signals above (h + 1/2) / m", "pois.cusum.arl",
    list(mean = g[1], ratio = R, threshold = log(R) * (g[4] + 0.5) / g[3]),
    list(run_length = unname(arl(g[1], g[2], g[3], g[4], 1)), changed = unname(arl(g[1], g[2], g[3], g[4], R))))
}
set.seed(20261126)
n <- 60; month <- 1:n; size <- round(runif(n, 600, 760)); at <- 37; since <- month - at
noise <- as.vector(filter(rnorm(n, 0, .06), .5, "recursive"))
y <- rpois(n, size * exp(-1.2 + .004 * since - .25 * (since >= 0) - .01 * since * (since >= 0) + .1 * sin(2 * pi * month / 12) + noise))
d <- data.frame(y, size, trend = since, level = as.numeric(since >= 0), slope = since * (since >= 0), s = sin(2 * pi * month / 12), c = cos(2 * pi * month / 12))
tight <- glm.control(epsilon = 1e-12, maxit = 500)
segmented <- function(id, rhs, family, lag, harmonics) {
  f <- as.formula(paste("y ~", rhs, "+ offset(log(size))"))
  m <- if (family == "negative-binomial") glm.nb(f, d, control = tight) else glm(f, if (family == "quasi") quasipoisson else poisson, d, control = tight)
  L <- if (is.null(lag)) floor(4 * (n / 100)^(2 / 9)) else lag
  v <- NeweyWest(m, lag = L, prewhite = FALSE, adjust = FALSE); x <- model.matrix(m); x0 <- x; x0[, colnames(x0) %in% c("level", "slope")] <- 0
  b <- coef(m); after <- d$level == 1; mu <- size * exp(x %*% b); mu0 <- size * exp(x0 %*% b); g <- colSums((as.vector(mu) * x - as.vector(mu0) * x0)[after, ])
  case(id, NA, "segmented regression of 60 months, intervention in month 37", "glm, glm.nb; sandwich::NeweyWest(prewhite = FALSE, adjust = FALSE)",
    list(month = V(month), y = V(y), size = V(size), family = family, lags = lag, harmonics = harmonics, change = if (grepl("slope", rhs)) "level and slope" else "level"),
    list(coef = V(b), vcov = mat(v), model_se = V(sqrt(diag(vcov(m)))), dispersion = sum(residuals(m, "pearson")^2) / m$df.residual,
      counterfactual = V(exp(x0 %*% b)), counterfactual_se = V(sqrt(rowSums((x0 %*% v) * x0))), total = sum(mu[after]) - sum(mu0[after]), total_se = sqrt(c(g %*% v %*% g)),
      autocorrelation = acf(residuals(m, "pearson"), plot = FALSE)$acf[2]))
}
both <- "trend + level + slope"; season <- paste(both, "+ s + c")
segmented("its_quasi", both, "quasi", NULL, 0); segmented("its_quasi_season", season, "quasi", 5, 1); segmented("its_poisson_level", "trend + level", "poisson", 0, 0)
segmented("its_nb", season, "negative-binomial", 3, 1)
n <- 200; day <- as.Date("2024-01-15") + 0:(n - 1); w <- as.POSIXlt(day)$wday; w <- factor(ifelse(w == 0, 7, w)); yy <- as.integer(format(day, "%Y"))
passed <- as.numeric(day - as.Date(paste0(yy, "-01-01"))) / ifelse(yy %% 4 == 0, 366, 365)
d <- data.frame(y = rnbinom(n, mu = exp(1.4 - .5 * (w %in% c("6", "7")) + .15 * cos(2 * pi * passed)), size = 6), w, trend = as.numeric(day - day[1]) / 365.25, s = sin(2 * pi * passed), c = cos(2 * pi * passed))
m <- glm.nb(y ~ w + trend + s + c, d, control = tight); p <- glm(y ~ w + trend + s + c, quasipoisson, d, control = tight)
case("daily", NA, "daily counts by weekday, trend and season", "glm.nb, glm(quasipoisson); NeweyWest(lag = 7)", list(first = "2024-01-15", y = V(d$y)),
  list(coef = V(coef(m)), theta = m$theta, se = V(sqrt(diag(vcov(m)))), newey_west = V(sqrt(diag(NeweyWest(m, lag = 7, prewhite = FALSE, adjust = FALSE)))),
    quasi_coef = V(coef(p)), quasi_se = V(sqrt(diag(vcov(p)))), quasi_newey_west = V(sqrt(diag(NeweyWest(p, lag = 7, prewhite = FALSE, adjust = FALSE)))),
    q95 = V(qnbinom(.95, mu = fitted(m)[1:14], size = m$theta))))
id <- c(1, 1, 1, 2, 3, 3, 4, 5, 5, 5, 5, 6, 7, 8, 8, 9, 10); again <- c(0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0)
m <- glm(again ~ 1, binomial, control = tight); s <- sqrt(vcovCL(m, cluster = id, type = "HC0", cadjust = FALSE)[1])
k <- as.vector(table(id)); t <- exp(coef(glm(k ~ 1, poisson))); st <- sqrt(var(k) * (length(k) - 1) / length(k) / length(k))
case("repeats", NA, "share of repeat consultations, clustered by patient", "glm(binomial) and vcovCL(type = 'HC0', cadjust = FALSE)", list(id = V(id), again = V(again)),
  list(share = mean(again), limits = V(plogis(coef(m) + c(-1, 1) * qnorm(.975) * s)), se_logit = s))
erlang <- function(a, n) { b <- a^n / factorial(n) * n / (n - a); b / (sum(a^(0:(n - 1)) / factorial(0:(n - 1))) + b) }
for (g in list(c(2, 3), c(10, 11), c(10, 14), c(48, 55), c(.4, 1), c(2.5, 6)))
  case(sprintf("erlang_%g_%g", g[1], g[2]), NA, "probability of waiting", "Erlang's second formula", list(load = g[1], servers = g[2]), list(waiting = erlang(g[1], g[2])))
write_cases("time_series")
