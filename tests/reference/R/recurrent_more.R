# Recurrent events beyond recurrent.json: log-rank tests of mean numbers with each group's own robust variance, from the influence of
# patients that survfit() reports; negative binomial and Poisson rates by group and in regression, with sandwich variances written out.
source("common.R")
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
       list(groups = I(L), score = V(U), statistic = as.numeric(U[k] %*% solve(V[k, k], U[k])), df = length(k)))
}
mean_test("mean_test_cgd_treat", "mean infections by arm", "cgd", "tstart", "tstop", "status == 1", "id", "treat")
mean_test("mean_test_cgd_hospital", "mean infections by four kinds of hospital", "cgd", "tstart", "tstop", "status == 1", "id", "hos.cat")
suppressMessages(library(MASS))
totals <- function(dataset, o) {               # one row for each patient with each set of covariates
  d <- prep(dataset, o); d <- data.frame(id = d[[o$id]], y = as.numeric(ev(o$count, d)), x = as.numeric(ev(o$exposure, d)), d[unlist(o$terms)])
  a <- aggregate(cbind(y, x) ~ ., data = d, sum); a[order(a$id), ]
}
LIMITS <- glm.control(epsilon = 1e-14, maxit = 500)
sandwich_of <- function(X, u, info, id) { B <- solve(info); M <- rowsum(X * u, id); sqrt(diag(B %*% crossprod(M) %*% B)) }
rate_model <- function(id, description, dataset, idvar, count, exposure, terms, derive = NULL) {
  o <- list(id = idvar, count = count, exposure = exposure, terms = I(terms), derive = derive); o <- o[!vapply(o, is.null, TRUE)]
  a <- totals(dataset, o); f0 <- as.formula(paste("y ~", paste(terms, collapse = "+"), "+ offset(log(x))"))
  f <- glm.nb(f0, a, control = LIMITS); X <- model.matrix(f); mu <- fitted(f); th <- f$theta; w <- mu / (1 + mu / th)
  p <- glm(f0, poisson, a, control = LIMITS); mp <- fitted(p)
  se_p <- sandwich_of(X, a$y - mp, crossprod(X * mp, X), a$id)
  g <- geepack::geeglm(f0, family = poisson, data = a, id = id, corstr = "independence", control = geepack::geese.control(epsilon = 1e-12, maxit = 100))
  stopifnot(isTRUE(all.equal(unname(summary(g)$coefficients[, 2]), unname(se_p), tolerance = 1e-6)))
  case(id, dataset, description, "MASS::glm.nb and glm(poisson), offset(log(exposure)), sandwich written out", o,
       list(n_rows = nrow(a), coef = NL(coef(f)), se = NL(sqrt(diag(vcov(f)))), robust_se = NL(setNames(sandwich_of(X, (a$y - mu) / (1 + mu / th), crossprod(X * w, X), a$id), names(coef(f)))),
            theta = th, theta_se = f$SE.theta, loglik = as.numeric(logLik(f)), deviance = f$deviance, pearson = sum(residuals(f, "pearson")^2),
            poisson_coef = NL(coef(p)), poisson_se = NL(sqrt(diag(vcov(p)))), poisson_robust_se = NL(setNames(se_p, names(coef(p)))), poisson_loglik = as.numeric(logLik(p)), poisson_deviance = p$deviance))
}
rate_groups <- function(id, description, dataset, idvar, count, exposure, by) {
  o <- list(id = idvar, count = count, exposure = exposure, terms = I(by), by = by)
  a <- totals(dataset, o); z <- qnorm(0.975)
  rows <- lapply(split(a, a[[by]]), function(k) {
    f <- glm.nb(y ~ offset(log(x)), k, control = LIMITS); n <- sum(k$y); r <- n / sum(k$x); e <- poisson.test(n, sum(k$x)); s <- sqrt(sum((k$y - r * k$x)^2)) / n
    zero <- sum(k$y == 0); bt <- binom.test(zero, nrow(k)); pt <- suppressWarnings(prop.test(zero, nrow(k), correct = FALSE))
    list(group = as.character(k[[by]][1]), n = nrow(k), n_event = n, person_time = sum(k$x),
         nb = I(unname(exp(c(coef(f), coef(f) - z * sqrt(vcov(f)[1]), coef(f) + z * sqrt(vcov(f)[1]))))), alpha = 1 / f$theta,
         robust = I(c(r, r * exp(-z * s), r * exp(z * s))), exact = I(c(unname(e$estimate), e$conf.int[1:2])),
         zero_wilson = I(c(zero / nrow(k), pt$conf.int[1:2])), zero_exact = I(c(zero / nrow(k), bt$conf.int[1:2])))
  })
  case(id, dataset, description, "MASS::glm.nb, poisson.test, binom.test, prop.test in each group", o, list(groups = unname(rows)))
}
YEARS <- "(tstop - tstart) / 365.25"
rate_model("rate_cgd_covariates", "infection rates on arm, age and inheritance", "cgd", "id", "status", YEARS, c("treat", "age", "inherit"))
rate_model("rate_cgd_within", "a covariate that changes within patients: time after the first infection", "cgd", "id", "status", YEARS, c("treat", "later"), derive = list(later = "enum > 1"))
rate_groups("rate_cgd_groups", "infection rates and shares without infection by arm", "cgd", "id", "status", YEARS, "treat")
write_cases("recurrent_more")
