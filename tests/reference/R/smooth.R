# Lowess smooths (stats::lowess), of residuals and of numbers with many ties; martingale residuals and dfbeta of Cox models.
source("common.R")
smoothed <- function(id, dataset, description, x, y, f = 2/3, iter = 3L, delta = NULL, ...) {
  o <- c(list(x = x, y = y, f = f, iterations = iter, delta = delta), list(...))
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o)
  a <- as.numeric(ev(x, d)); b <- as.numeric(ev(y, d))
  l <- if (is.null(delta)) lowess(a, b, f, iter) else lowess(a, b, f, iter, delta)
  keep <- !duplicated(l$x)
  case(id, dataset, description, "lowess()", o, list(x = V(l$x[keep]), smooth = V(l$y[keep])))
}
smoothed("veteran", "veteran", "ties in x", "karno", "time")
smoothed("veteran_age", "veteran", "ties in x", "age", "time", f = 0.4)
smoothed("veteran_narrow", "veteran", "neighbourhoods within one value of x", "karno", "time", f = 0.1)
smoothed("veteran_plain", "veteran", "no robustness", "age", "time", iter = 0L)
smoothed("veteran_exact", "veteran", "fitted at every value", "age", "time", delta = 0)
smoothed("lung_few", "lung", "two values of x", "sex", "time")
smoothed("bili", "pbc", "long tail, delta skips values", "bili", "time", dropna = I("bili"))
smoothed("line", "veteran", "a straight line: residuals of zero", "age", "2 * age + 1")

martingale <- function(id, dataset, description, covariates, x, time, event, ...) {
  o <- list(covariates = covariates, x = I(x), time = time, event = event, ...)
  d <- prep(dataset, o)
  d$..t <- as.numeric(ev(time, d)); d$..e <- as.numeric(ev(event, d))
  assign("d", d, globalenv())
  m <- coxph(fml("Surv(..t, ..e)", covariates), data = d)
  r <- residuals(m, "martingale"); b <- as.matrix(residuals(m, "dfbeta")); s <- as.matrix(residuals(m, "dfbetas"))
  case(id, dataset, description, "coxph(); residuals(); lowess(iter = 0)", o, list(
    residual = V(r), dfbeta = lapply(seq_len(ncol(b)), function(j) V(b[, j])), dfbetas = lapply(seq_len(ncol(b)), function(j) V(s[, j])),
    smooth = lapply(x, function(name) { l <- lowess(d[[name]], r, iter = 0); V(l$y) }), sorted = lapply(x, function(name) V(sort(d[[name]])))))
}
martingale("cox_veteran", "veteran", "two numbers and a factor", "karno + age + celltype", c("karno", "age"), "time", "status == 1")
martingale("cox_lung", "lung", "ties", "age + ph.karno + sex", c("age", "ph.karno"), "time", "status == 2", dropna = I(c("age", "ph.karno", "sex")))
write_cases("smooth")
