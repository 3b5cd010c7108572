# The normal probability of maximally selected statistics to full precision (the long one takes minutes).
source("common.R"); library(mvtnorm)
# The chance that some of the normal statistics of cuts after m of n patients is beyond b, to full precision
normal <- function(b, n, m) { r <- outer(m, m, function(i, j) sqrt(pmin(i, j)*(n - pmax(i, j))/((n - pmin(i, j))*pmax(i, j))))
  set.seed(1); alg <- if (length(m) <= 8) Miwa(steps = 512) else GenzBretz(maxpts = 3e7, abseps = 2e-7)
  p <- pmvnorm(rep(-b, length(m)), rep(b, length(m)), corr = r, algorithm = alg); list(n = n, sizes = I(m), b = b, p = 1 - as.numeric(p), error = attr(p, "error")) }
one <- function(id, ...) { v <- normal(...); case(id, NA, "Chance that a maximally selected statistic exceeds b, multivariate normal", "mvtnorm::pmvnorm", v[c("n", "sizes", "b")], v[c("p", "error")]) }
one("few_cuts", 2.96, 38, c(7, 14, 22, 30)); one("low", 1.2, 60, c(6, 20, 50)); one("many_cuts", 3.1772, 40, 4:36); one("unequal", 2.5, 137, c(14, 15, 20, 33, 40, 60, 61, 80, 110, 123))
write_cases("cutpoint_normal")
