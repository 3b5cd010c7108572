# Absolute risks of cause-specific Cox models with the influence-function standard errors of riskRegression.
# They are the derivative of the risk by the weights of the rows where no two events of a cause tie and the risk is the exponential
# form; with ties riskRegression's are not, and for the product limit it takes the derivative of the exponential form.
source("common.R")
suppressMessages(library(riskRegression))
risk <- function(id, dataset, description, time, status, terms, at, times, strata = NULL, derive = NULL, subset = NULL, dropna = NULL) {
  o <- list(time = time, status = status, terms = I(terms), strata = if (!is.null(strata)) I(strata), predict_at = at, times = I(times), derive = derive, subset = subset, dropna = dropna)
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o); d$..t <- ev(time, d); d$..c <- as.integer(ev(status, d))
  stopifnot(!anyDuplicated(paste(d$..c, d$..t)[d$..c > 0]))
  d <- d[c("..t", "..c", terms, strata)]  # riskRegression has names of its own
  nd <- as.data.frame(at); for (n in names(nd)) if (is.factor(d[[n]])) nd[[n]] <- factor(nd[[n]], levels = levels(d[[n]]))
  rhs <- paste(c(terms, if (!is.null(strata)) sprintf("strata(%s)", strata)), collapse = "+")
  f <- do.call(CSC, list(as.formula(paste("Hist(..t, ..c) ~", rhs)), data = d, method = "breslow", control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50)))
  rows <- function(m) lapply(seq_len(nrow(m)), function(i) V(m[i, ]))
  v <- lapply(setNames(1:2, paste0("cause", 1:2)), function(k) { p <- predict(f, newdata = nd, times = times, cause = k, se = TRUE, product.limit = FALSE); list(risk = rows(p$absRisk), se = rows(p$absRisk.se)) })
  case(id, dataset, description, "predict(CSC(Hist(time, status) ~ terms, method = 'breslow'), se = TRUE, product.limit = FALSE)", o, v)
}
PATIENTS <- list(Age = c(20, 40), D = c("ALL", "AML"), Phase = c("CR1", "Relapse"))
APART <- list(t = "ftime + Age / 20000 + (Sex == 'F') / 3000 + (D == 'AML') / 9000 + (Phase == 'Relapse') / 11000 + (Phase == 'CR1') / 7000")
risk("risk_bmtcrr", "bmtcrr", "transplants, ties taken apart", "t", "Status", c("Age", "D", "Phase"), PATIENTS, c(3, 12, 40), derive = APART)
risk("risk_bmtcrr_strata", "bmtcrr", "baselines by disease", "t", "Status", c("Age", "Phase"), PATIENTS, c(3, 12, 40), strata = "D", derive = APART)
risk("risk_follic", "follic", "relapse and death of follicular lymphoma", "t", "status", c("age", "hgb", "clinstg"), list(age = c(40, 70), hgb = c(140, 120), clinstg = c(1, 2)), c(1, 5, 10), derive = list(t = "time + age / 20000 + hgb / 300000 + (ch == 'Y') / 9000"))
write_cases("absolute_risk")
