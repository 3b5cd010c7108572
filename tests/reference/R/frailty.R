# Frailty models with the groups' block of the information written out (sparse = FALSE) and R's outer loop run on.
source("common.R")
shared <- function(id, dataset, description, time, event, terms, group, dist, theta = NULL, entry = NULL, strata = NULL, ties = "efron", sparse = FALSE, eps = NULL, dropna = NULL) {
  o <- list(time = time, event = event, entry = entry, terms = I(terms), group = group, distribution = dist, frailty_variance = theta, strata = strata, ties = ties, sparse = sparse, dropna = dropna)
  o <- o[!vapply(o, is.null, TRUE)]
  d <<- prep(dataset, o)
  lhs <- if (is.null(entry)) sprintf("Surv(%s, %s)", time, event) else sprintf("Surv(%s, %s, %s)", entry, time, event)
  more <- if (!is.null(theta)) sprintf(", theta = %s", theta) else sprintf(", eps = %s", eps)
  rhs <- c(terms, sprintf("frailty(%s, distribution = '%s', sparse = %s%s)", group, dist, sparse, more), if (!is.null(strata)) sprintf("strata(%s)", strata))
  call <- sprintf("coxph(%s ~ %s, data = d, ties = '%s', control = coxph.control(eps = 1e-12, iter.max = 200, outer.max = 200))", lhs, paste(rhs, collapse = " + "), ties)
  f <- suppressWarnings(eval(parse(text = call), globalenv()))
  k <- seq_along(terms); h <- f$history[[1]]
  effects <- if (sparse) f$frail else unname(coef(f)[-k])
  case(id, dataset, description, call, o, list(coef = NL(coef(f)[k]), var = mat(`dimnames<-`(f$var[k, k, drop = FALSE], list(terms, terms))), theta = unname(h$theta), c_loglik = if (!is.null(h$c.loglik)) h$c.loglik,
    loglik = f$loglik[2], df = V(f$df), effects = V(effects), effect_var = if (!sparse) V(diag(f$var)[-k]) else V(f$fvar), martingale_first = V(head(residuals(f), 10))))
}
shared("frailty_gamma_kidney", "kidney", "gamma, estimated", "time", "status == 1", c("age", "sex"), "id", "gamma", eps = 1e-10)
shared("frailty_gaussian_kidney", "kidney", "Gaussian, estimated", "time", "status == 1", c("age", "sex"), "id", "gaussian", eps = 1e-7)
shared("frailty_gaussian_kidney_sparse", "kidney", "Gaussian, estimated, groups unrelated", "time", "status == 1", c("age", "sex"), "id", "gaussian", eps = 1e-7, sparse = TRUE)
shared("frailty_gamma_kidney_fixed", "kidney", "gamma, given", "time", "status == 1", c("age", "sex"), "id", "gamma", theta = 0.4)
shared("frailty_gaussian_kidney_breslow", "kidney", "Gaussian, given, Breslow ties", "time", "status == 1", c("age", "sex"), "id", "gaussian", theta = 0.5, ties = "breslow")
shared("frailty_gamma_retinopathy_strata", "retinopathy", "gamma, given, strata", "futime", "status == 1", c("trt", "risk"), "id", "gamma", theta = 0.8, strata = "type")
shared("frailty_gaussian_heart_entry", "heart", "Gaussian, given, start-stop rows", "stop", "event == 1", c("age", "year"), "id", "gaussian", theta = 0.7, entry = "start")
write_cases("frailty")
