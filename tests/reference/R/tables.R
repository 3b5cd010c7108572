# Two-by-two tables to full precision: score limits by maximising the restricted likelihood numerically and by uniroot (PropCIs steps
# through odds ratios and stops at three digits), conditional odds ratios by uniroot (fisher.test stops at 1e-4).
source("common.R")
root <- function(f, low, high) uniroot(f, c(low, high), tol = 1e-14, maxiter = 10000)$root
restricted <- function(x, n, y, m, risk, slope, low, high) {   # the unexposed risk p at which the likelihood of (risk(p), p) is largest
  g <- function(p) { r <- risk(p); slope(p) * (x / r - (n - x) / (1 - r)) + y / p - (m - y) / (1 - p) }
  e <- 1e-13 * (high - low)
  if (g(low + e) <= 0) low else if (g(high - e) >= 0) high else root(g, low + e, high - e)
}
z_diff <- function(x, n, y, m, d) { p <- restricted(x, n, y, m, function(p) p + d, function(p) 1, max(0, -d), min(1, 1 - d)); r <- p + d
  (x / n - y / m - d) / sqrt(r * (1 - r) / n + p * (1 - p) / m) }
z_rr <- function(x, n, y, m, k) { p <- restricted(x, n, y, m, function(p) k * p, function(p) k, 0, min(1, 1 / k)); r <- k * p
  (x / n - k * y / m) / sqrt(r * (1 - r) / n + k^2 * p * (1 - p) / m) }
z_or <- function(x, n, y, m, k) { f <- function(p) k * p / (1 - p + k * p)
  p <- restricted(x, n, y, m, f, function(p) k / (1 - p + k * p)^2, 0, 1); r <- f(p)
  n * (x / n - r) * sqrt(1 / (n * r * (1 - r)) + 1 / (m * p * (1 - p))) }
limits <- function(z, low, high, at, corrected, N, conf) { q <- qnorm(1 - (1 - conf) / 2) * if (corrected) sqrt(N / (N - 1)) else 1
  I(c(root(function(t) z(t) - q, low, at), root(function(t) z(t) + q, at, high))) }
conditional <- function(tables, conf) {      # tables: rows a, n, c, m
  one <- function(t) { k <- t[1] + t[3]; s <- max(0, k - t[4]):min(t[2], k); list(s = s, w = dhyper(s, t[2], t[4], k)) }
  s <- 0; w <- 1
  for (i in seq_len(nrow(tables))) { d <- one(tables[i, ]); v <- numeric(length(w) + length(d$w) - 1)
    for (j in seq_along(d$w)) v[j - 1 + seq_along(w)] <- v[j - 1 + seq_along(w)] + w * d$w[j]
    s <- s[1] + d$s[1] + 0:(length(v) - 1); w <- v }
  x <- sum(tables[, 1]); a <- (1 - conf) / 2
  pr <- function(b) { l <- log(w) + s * b; l <- l - max(l); exp(l) / sum(exp(l)) }
  up <- function(b, h) { p <- pr(b); sum(p[s > x]) + h * p[s == x] }; dn <- function(b, h) { p <- pr(b); sum(p[s < x]) + h * p[s == x] }
  est <- exp(root(function(b) sum(s * pr(b)) - x, -20, 20)); mid <- exp(root(function(b) up(b, .5) - .5, -20, 20))
  lim <- function(h) I(exp(c(root(function(b) up(b, h) - a, -20, 20), root(function(b) dn(b, h) - a, -20, 20))))
  p <- pr(0)
  list(fisher = list(estimate = est, limits = lim(1), p = sum(p[p <= p[s == x] * (1 + 1e-7)])),
       midp = list(estimate = mid, limits = lim(.5), p = 2 * min(up(0, .5), dn(0, .5))))
}
table_case <- function(a, b, c, d, conf = .95) {
  x <- a; n <- a + b; y <- c; m <- c + d; N <- n + m
  v <- list(difference = lapply(list(mee = FALSE, mn = TRUE), function(k) limits(function(t) z_diff(x, n, y, m, t), -1 + 1e-9, 1 - 1e-9, x / n - y / m, k, N, conf)),
    risk_ratio = lapply(list(koopman = FALSE, mn = TRUE), function(k) I(exp(limits(function(t) z_rr(x, n, y, m, exp(t)), -12, 12, log(x / n / (y / m)), k, N, conf)))),
    odds_ratio = lapply(list(score = FALSE, mn = TRUE), function(k) I(exp(limits(function(t) z_or(x, n, y, m, exp(t)), -12, 12, log(a * d / (b * c)), k, N, conf)))))
  case(sprintf("table_%d_%d_%d_%d", a, b, c, d), NA, "2 x 2 table: exposed cases, exposed others, unexposed cases, unexposed others", "restricted likelihood, hypergeometric distribution; uniroot",
    list(a = a, b = b, c = c, d = d, conf = conf), c(v, conditional(t(c(x, n, y, m)), conf)))
}
table_case(12, 88, 5, 95); table_case(30, 120, 55, 300); table_case(3, 7, 9, 2); table_case(640, 3200, 410, 3900)
table_case(1, 24, 7, 18); table_case(9, 1, 4, 6, .9)
lep <- ld("lep"); l <- table(lep$bcg == "yes", lep$d, lep$age)
k <- cbind(l["TRUE", "1", ], l["TRUE", "0", ] + l["TRUE", "1", ], l["FALSE", "1", ], l["FALSE", "0", ] + l["FALSE", "1", ])
case("conditional_lep", "lep", "Common odds ratio of leprosy and BCG given the margins at each age", "convolution of hypergeometric distributions; uniroot", list(strata = "age"), conditional(k, .95))
sir_case <- function(id, o, e, s) {
  f <- glm(o ~ offset(log(e)), poisson, epsilon = 1e-15); g <- glm(o ~ s + offset(log(e)), poisson, epsilon = 1e-15)
  case(id, NA, "Observed and expected events of groups: heterogeneity and trend", "chisq.test(O, p = E / sum(E)); anova(glm, glm, test = 'Rao')", list(observed = I(o), expected = I(e), scores = I(s)),
    list(heterogeneity = unname(chisq.test(o, p = e / sum(e))$statistic), trend = anova(f, g, test = "Rao")$Rao[2]))
}
sir_case("sir_three", c(4, 9, 21), c(4.1, 6.6, 9.8), c(1, 5, 10)); sir_case("sir_five", c(120, 88, 130, 75, 61), c(100.5, 90.2, 101.7, 80.1, 60.3), c(0, 1, 2, 3, 8))
m4 <- matrix(c(44, 5, 1, 0, 7, 20, 6, 1, 2, 4, 25, 5, 0, 1, 3, 30), 4)    # psych takes row sums of w * p_i. for sums of w_ij p_j.
kappa_of <- function(p, w) { e <- outer(rowSums(p), colSums(p)); (sum(w * p) - sum(w * e)) / (1 - sum(w * e)) }
kappa_case <- function(id, m, w) { n <- sum(m); p <- m / n; k <- nrow(m); v <- 0; W <- function(i, j) w[i, j]
  bar <- function(i, j) sum(sapply(1:k, function(l) W(i, l) * sum(p[, l]))) + sum(sapply(1:k, function(l) W(l, j) * sum(p[l, ])))
  pe <- sum(w * outer(rowSums(p), colSums(p))); ka <- kappa_of(p, w)
  for (i in 1:k) for (j in 1:k) v <- v + p[i, j] * (W(i, j) - bar(i, j) * (1 - ka))^2
  case(id, NA, "Weighted kappa with the error of Fleiss, Cohen and Everitt (1969), written out cell by cell", "loops", list(m = lapply(1:k, function(i) I(m[i, ]))),
    list(kappa = ka, se = sqrt((v - (ka - pe * (1 - ka))^2) / n) / (1 - pe))) }
far <- abs(row(m4) - col(m4)) / 3
kappa_case("kappa_linear", m4, 1 - far); kappa_case("kappa_quadratic", m4, 1 - far^2)
funnel_case <- function(id, o, n, target, ql, pr, g, v) {   # Spiegelhalter 2005, A.1.1 (interpolated quantiles), A.2 (dispersion)
  at <- function(p) mapply(function(size) { r <- ql(p, size); a <- (pr(r, size) - p) / (pr(r, size) - if (r > 0) pr(r - 1, size) else 0); max(0, r - a) / size }, n)
  lim <- lapply(c(.95, .998), function(l) list(level = l, low = I(at((1 - l) / 2)), high = I(at(1 - (1 - l) / 2))))
  z <- (g(o, n) - v) * 2 * sqrt(n); b <- quantile(z, c(.1, .9)); phi <- mean(pmin(pmax(z, b[1]), b[2])^2); w <- 4 * n; k <- length(n)
  case(id, NA, "Units around a target: exact limits, winsorised dispersion, variance between units", "qbinom, qpois, quantile", list(events = I(o), size = I(n), target = target),
    list(limits = lim, dispersion = max(1, phi), between = max(0, (k * phi - (k - 1)) / (sum(w) - sum(w^2) / sum(w)))))
}
o <- c(4, 9, 11, 30, 14, 2, 40, 6, 21, 10); n <- c(40, 82, 120, 130, 151, 25, 210, 90, 160, 33); q <- sum(o) / sum(n)
funnel_case("funnel_binomial", o, n, q, function(p, s) qbinom(p, s, q), function(r, s) pbinom(r, s, q), function(o, n) asin(sqrt((o + .25) / (n + .5))), asin(sqrt(q)))
e <- c(5.2, 8.1, 14.4, 12.9, 16.3, 1.1, 22.5, 11.2, 15.1, 3.9)
funnel_case("funnel_poisson", o, e, 1, function(p, s) qpois(p, s), function(r, s) ppois(r, s), function(o, n) sqrt((o + .25) / n), 1)
write_cases("tables")
