# The Poisson models of relsurv::rsadd taken to their maximum: glm stops when its deviance has settled to 1e-8, and rsadd does not
# hand on a control. The cells are those of the fit (its `groups`), the link is log(mu - expected deaths).
source("common_epi.R"); suppressMessages(library(relsurv))
data(slopop, package = "relsurv")
strict <- function(f) {
  g <- f$groups; x <- as.matrix(g[, 7:(ncol(g) - 1)]); z <- cbind(x, model.matrix(~ -1 + fu, g))
  fit <- function(b) glm(g$nd ~ -1 + z, family = f$family, offset = g$lny, start = b, mustart = g$dstar + exp(drop(z %*% b) + g$lny), control = glm.control(epsilon = 1e-15, maxit = 50))
  f2 <- fit(fit(f$coefficients)$coefficients)
  list(names = I1(names(f$coefficients)), coef = I1(f2$coefficients), se = I1(sqrt(diag(vcov(f2)))), deviance = f2$deviance,
    df_residual = f2$df.residual, expected = sum(g$dstar), n_event = sum(g$nd), loglik = as.numeric(logLik(f2)))
}
rdata <- rd("rdata"); rdata$dd <- as.Date(rdata$year)
add("poisson_rdata", "rdata+slopop", "rsadd_rdata_glm.poi, iterated to the end", "glm(epsilon = 1e-15) of rsadd(..., method='glm.poi')$groups", list(int = I(0:5)),
  strict(rsadd(Surv(time, cens) ~ sex + as.factor(agegr), rmap = list(age = age*365.241, sex = sex, year = dd), data = rdata, ratetable = slopop, int = 5, method = "glm.poi")))
cs <- rd("colrec"); cs$dd <- as.Date(cs$diag)
cs <- transform(cs, agey = (age/365.241 - 65)/10, rectum = as.integer(site == "rectum"), male = as.integer(sex == 1))[cs$stage != "99", ]; cs$stage <- factor(cs$stage)
for (int in list(c(0, 1, 2, 3, 4, 5), c(0, .5, 1, 2, 3, 5)))
  add(if (2 %in% which(int == .5)) "poisson_colrec_int" else "poisson_colrec", "colrec (stage != 99)+slopop", "rsadd_colrec_glmpoi_custom_int, iterated to the end; and with yearly bands",
    "glm(epsilon = 1e-15) of rsadd(..., method='glm.poi')$groups", list(int = I(int)),
    strict(rsadd(Surv(time, stat) ~ agey + male + rectum + stage, rmap = list(age = age, sex = sex, year = dd), data = cs, ratetable = slopop, int = int, method = "glm.poi")))
# EM to its end. coxph has a robust variance where weights are not whole numbers, which rsadd takes for the inverse information before it
# subtracts what is missing: `se_rsadd`, smaller than that of known causes. `se` is of the information (naive.var), as Louis' formula has it.
em <- function(bwin) {
  f <- rsadd(Surv(time, cens) ~ sex + as.factor(agegr), rmap = list(age = age*365.241, sex = sex, year = dd), data = rdata, ratetable = slopop, int = 5, method = "EM",
    bwin = bwin, control = list(epsilon = 1e-12, maxit = 5000))
  x <- model.matrix(~ sex + as.factor(agegr), rdata)[, -1]; y <- pmin(rdata$time, 5*365.241); d <- rdata$cens == 1 & rdata$time <= 5*365.241; n <- f$Nie
  i <- c(which(d), which(d), which(!d)); w <- c(n[d], 1 - n[d], rep(1, sum(!d))); s <- rep(c(1, 0, 0), c(sum(d), sum(d), sum(!d))); k <- w > 1e-12
  g <- coxph(Surv(y[i], s) ~ x[i, ], weights = w, subset = k, ties = "efron")
  r <- exp(drop(x %*% coef(f))); a <- x[d, ] - t(sapply(y[d], function(u) colSums((x*r)[y >= u, ])/sum(r[y >= u]))); miss <- t(a) %*% (a*(n*(1 - n))[d])
  j <- findInterval(c(365, 1095, 1826), f$times)
  list(names = I1(names(coef(f))), coef = I1(coef(f)), se = I1(sqrt(diag(solve(solve(g$naive.var) - miss)))), se_rsadd = I1(sqrt(diag(f$var))),
    se_sandwich_for_information = I1(sqrt(diag(solve(solve(g$var) - miss)))), excess_deaths = sum(n), n = f$n, times = I(c(365, 1095, 1826)), cumulative = I1(f$Lambda0[j]), rate = I1(f$lambda0[j]))
}
for (bwin in c(2, 0.5125)) add(paste0("em_rdata_", bwin), "rdata+slopop", "rsadd_rdata_EM, iterated to the end", "rsadd(..., method='EM', control=list(epsilon=1e-12, maxit=5000))", list(int = I(c(0, 5)), bwin = bwin), em(bwin))
finish("excess_hazard", c("relsurv"))
