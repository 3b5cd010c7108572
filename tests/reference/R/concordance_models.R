# Concordance of two scores in the same patients: their difference with its infinitesimal jackknife variance, and pec's
# concordance with competing events (weights of pairs from one Kaplan-Meier curve of censoring). Higher scores mean an
# earlier event. bmtcrr has ties of times; `untied` adds to each time its row number times 1e-7.
source("common.R")
suppressMessages({library(pec); library(prodlim)})
pairs_of <- function(id, dataset, description, time, event, scores, tau = NULL, timewt = c("n", "n/G2"), dropna = NULL) {
  o <- list(time = time, event = event, scores = I(scores), tau = tau, dropna = if (!is.null(dropna)) I(dropna))
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o)
  d$..y <- Surv(as.numeric(ev(time, d)), as.numeric(ev(event, d)))
  for (i in seq_along(scores)) d[[paste0("s", i)]] <- as.numeric(ev(scores[i], d))
  f <- lapply(seq_along(scores), function(i) do.call(coxph, list(as.formula(paste0("..y ~ s", i)), data = d, init = 1, control = coxph.control(iter.max = 0))))
  v <- lapply(setNames(nm = timewt), function(w) {
    a <- c(f, list(timewt = w)); if (!is.null(tau)) a$ymax <- tau
    z <- do.call(concordance, a)
    k <- c(-1, 1, rep(0, length(scores) - 2))
    list(c = V(unname(z$concordance)), difference = unname(z$concordance[2] - z$concordance[1]), se = sqrt(drop(k %*% z$var %*% k))) })
  case(id, dataset, description, "concordance(coxph, coxph, timewt =, ymax =), coefficients 1", o, v)
}
competing <- function(id, dataset, description, time, status, score, tau, untied) {
  o <- list(time = time, status = status, score = score, tau = I(tau), untied = untied)
  d <- prep(dataset, o)
  d$..t <- as.numeric(ev(time, d)) + if (untied) 1e-7 * seq_len(nrow(d)) else 0
  d$..s <- as.numeric(ev(status, d)); m <- as.numeric(ev(score, d)) / 100
  z <- pec::cindex(list(m = matrix(rep(m, length(tau)), ncol = length(tau))), formula = Hist(..t, ..s) ~ 1, data = d, cause = 1, eval.times = tau, cens.model = "marginal", verbose = FALSE)
  case(id, dataset, description, "pec::cindex(cause = 1, eval.times = tau, cens.model = 'marginal')", o, list(c = V(z$AppCindex$m)))
}
pairs_of("models_lung", "lung", "two markers of one disease", "time", "status == 2", c("age", "ph.ecog"), dropna = "ph.ecog", timewt = c("n", "n/G2", "S", "I"))
pairs_of("models_mgus2_tau", "mgus2", "tied times, a horizon", "futime", "death == 1", c("age", "hgb * (-1)"), tau = 120, dropna = "hgb")
competing("competing_bmtcrr_untied", "bmtcrr", "no ties of times", "ftime", "Status", "Age", c(6, 12, 24), TRUE)
competing("competing_bmtcrr", "bmtcrr", "ties of times", "ftime", "Status", "Age", c(6, 12, 24), FALSE)
write_cases("concordance_models")
