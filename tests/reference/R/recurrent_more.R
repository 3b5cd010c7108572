# Recurrent events beyond recurrent.json: log-rank tests of mean numbers with each group's own robust variance, from the influence of
# patients that survfit() reports; negative binomial and Poisson rates by group and in regression, with sandwich variances written out.
source("common.R")
suppressMessages(library(MASS))
mean_test <- function(id, description, dataset, start, stop, event, idvar, by) {
  o <- list(start = start, stop = stop, event = event, id = idvar, by = by)
  d <- prep(dataset, o); d <- data.frame(a = ev(start, d), b = ev(stop, d), e = as.numeric(ev(event, d)), i = d[[idvar]], g = factor(d[[by]]))
  L <- levels(d$g); at_risk <- function(g, t) sum(d$g == g & d$a < t & d$b >= t)
  U <- setNames(numeric(length(L)), L); W <- NULL
  for (h in L) {
    f <- survfit(Surv(a, b, e) ~ 1, data = d[d$g == h, ], id = i, influence = 2, timefix = FALSE)
    Y <- sapply(L, function(g) vapply(f$time, function(t) at_risk(g, t), 0)); Y <- matrix(Y, nrow = length(f$time), dimnames = list(NULL, L))
    v <- Y[, h] * (outer(rep(1, nrow(Y)), L == h) - Y / rowSums(Y))         # times x groups
    U <- U + colSums(v * diff(c(0, f$cumhaz)))
    dI <- t(apply(cbind(0, f$influence.chaz), 1, diff))                     # patients x times
    W <- rbind(W, dI %*% v)
  }
  V <- crossprod(W); k <- seq_along(L)[-1]
  case(id, dataset, description, "survfit(..., id = id, influence = 2)", o,
       list(groups = I(L), score = V_(U), statistic = as.numeric(U[k] %*% solve(V[k, k], U[k])), df = length(k)))
}
V_ <- function(x) { x <- unname(x); attributes(x) <- NULL; I(x) }
mean_test("mean_test_cgd_treat", "mean infections by arm", "cgd", "tstart", "tstop", "status == 1", "id", "treat")
mean_test("mean_test_cgd_hospital", "mean infections by four kinds of hospital", "cgd", "tstart", "tstop", "status == 1", "id", "hos.cat")
write_cases("recurrent_more")
