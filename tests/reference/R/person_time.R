# Rates and proportions to full precision, and person-time by pyears: exact and mid-p limits (epitools stops at 1e-4, PropCIs
# prints four digits), exact tests of poisson.test and binom.test, tables of attained age and calendar time from dates.
source("common.R")
root <- function(f, low, high) uniroot(f, c(low, high), tol = 1e-25, maxiter = 10000)$root
share_midp <- function(x, n, a) {            # limits of a share: half of the probability of x counts on either side
  up <- function(p) pbinom(x, n, p, lower.tail = FALSE) + dbinom(x, n, p) / 2 - a
  dn <- function(p) pbinom(x - 1, n, p) + dbinom(x, n, p) / 2 - a
  I(c(if (x == 0) 0 else root(up, 0, x / n), if (x == n) 1 else root(dn, x / n, 1)))
}
wilson <- function(x, n, a) { z <- qnorm(1 - a); p <- x / n
  l <- (p + z^2 / (2 * n) + c(-1, 1) * z * sqrt(p * (1 - p) / n + z^2 / (4 * n^2))) / (1 + z^2 / n)
  I(c(if (x == 0) 0 else l[1], if (x == n) 1 else l[2])) }
ratio <- function(limits, y1, y0) I(limits / (1 - limits) * y0 / y1)
compare <- function(id, d1, y1, d0, y0, conf = .95) {
  a <- (1 - conf) / 2; n <- d1 + d0; s <- y1 / (y1 + y0); test <- poisson.test(c(d1, d0), c(y1, y0), conf.level = conf)
  more <- pbinom(d1, n, s, lower.tail = FALSE) + dbinom(d1, n, s) / 2
  fewer <- pbinom(d1 - 1, n, s) + dbinom(d1, n, s) / 2
  z <- log(d1 / y1 / (d0 / y0)) / sqrt(1 / d1 + 1 / d0); d <- d1 / y1 - d0 / y0; e <- sqrt(d1 / y1^2 + d0 / y0^2)
  case(id, NA, "ratio and difference of two rates", "poisson.test; uniroot on the binomial share; prop.test's score", 
    list(d1 = d1, y1 = y1, d0 = d0, y0 = y0, conf_level = conf), list(ratio = d1 / y1 / (d0 / y0),
    exact = list(limits = I(as.numeric(test$conf.int)), p = test$p.value), midp = list(limits = ratio(share_midp(d1, n, a), y1, y0), p = min(1, 2 * min(more, fewer))),
    score = list(limits = ratio(wilson(d1, n, a), y1, y0), p = 2 * pnorm(-abs(d1 - n * s) / sqrt(n * s * (1 - s)))),
    log = if (d1 > 0 && d0 > 0) list(limits = I(d1 / y1 / (d0 / y0) * exp(c(-1, 1) * qnorm(1 - a) * sqrt(1 / d1 + 1 / d0))), p = 2 * pnorm(-abs(z))),
    difference = list(estimate = d, std_error = e, limits = I(d + c(-1, 1) * qnorm(1 - a) * e), statistic = d / e, p = 2 * pnorm(-abs(d / e)))))
}
for (g in list(c(15, 1900, 6, 2400), c(0, 350, 5, 900), c(7, 350, 0, 900), c(230, 11200, 180, 12500), c(3, 1, 3, 1), c(51000, 1e6, 49000, 1e6), c(1, 10, 30, 9), c(30, 9, 1, 10)))
  compare(paste0("ratio_", paste(sprintf("%g", g), collapse = "_")), g[1], g[2], g[3], g[4])
compare("ratio_15_1900_6_2400_90", 15, 1900, 6, 2400, .9)
for (g in list(c(0, 25), c(3, 40), c(40, 40), c(117, 460), c(1, 1000000), c(1, 2)))
  case(sprintf("share_%.0f_%.0f", g[1], g[2]), NA, "mid-p limits of a proportion", "uniroot", list(x = g[1], n = g[2]), list(midp = share_midp(g[1], g[2], .025)))
for (d in c(0, 1, 7, 12, 18, 28, 48, 451, 250000)) { f <- function(m, lower) (if (lower) ppois(d, m, lower.tail = FALSE) else ppois(d - 1, m)) + dpois(d, m) / 2 - .025
  case(sprintf("count_%.0f", d), NA, "exact and mid-p limits of a Poisson count", "qchisq; uniroot", list(d = d),
    list(exact = I(c(if (d == 0) 0 else qchisq(.025, 2 * d) / 2, qchisq(.975, 2 * d + 2) / 2)), midp = I(c(if (d == 0) 0 else root(function(m) f(m, TRUE), 1e-12, d), root(function(m) f(m, FALSE), if (d == 0) 1e-12 else d, 3 * d + 30))))) }
# calendar time and attained age from dates; a year of age is 365.25 days, a calendar year begins on 1 January
tabulated <- function(id, description, d, by = NULL, ages, years, ...) {
  d$length <- as.numeric(d$exit - d$entry); d$from_age <- as.numeric(d$entry - d$birth); d$from_year <- d$entry
  f <- as.formula(paste("Surv(length, event) ~ tcut(from_age, ages * 365.25) + tcut(from_year, as.Date(paste0(years, '-01-01')))", if (!is.null(by)) paste("+", by)))
  environment(f) <- environment()
  p <- pyears(f, d, scale = 365.25); use <- which(p$n > 0, arr.ind = TRUE); use <- use[do.call(order, as.data.frame(use)), , drop = FALSE]
  values <- list(age = V(ages[use[, 1]]), year = V(years[use[, 2]]), n = V(p$n[use]), n_event = V(p$event[use]), person_time = V(p$pyears[use]), outside = p$offtable)
  if (!is.null(by)) values[[by]] <- V(dimnames(p$n)[[3]][use[, 3]])
  case(id, sub("_.*", "", id), description, "pyears(Surv(time, event) ~ tcut(age) + tcut(date), scale = 365.25)", list(ages = I(ages), years = I(years), ...), values)
}
diet <- ld("diet"); diet <- data.frame(entry = as.Date(diet$doe), exit = as.Date(diet$dox), birth = as.Date(diet$dob), event = diet$chd)
tabulated("diet_dates", "attained age and calendar time from dates, some outside", diet, ages = seq(35, 70, 5), years = seq(1957, 1985, 7))
sire <- ld("sire"); sire <- data.frame(entry = as.Date(sire$dg_date), exit = as.Date(sire$ex_date), birth = as.Date(sire$bi_date), event = as.integer(sire$status > 0), late = as.integer(sire$dg_date >= "2003-01-01"))
tabulated("sire_dates", "one-year bands, with those who died on the day of diagnosis, in two groups", sire, "late", ages = 0:105, years = 1993:2013)
# cumulative rate and risk before 75 from rates by year of age
t <- ld("testisdk"); t$decade <- t$P %/% 10 * 10
for (g in c(1950, 1980)) { x <- aggregate(cbind(D, Y) ~ A, t[t$decade == g & t$A < 75, ], sum); r <- sum(x$D / x$Y); s <- sqrt(sum(x$D / x$Y^2)); l <- r * exp(c(-1, 1) * qnorm(.975) * s / r)
  case(sprintf("cumulative_%d", g), "testisdk", "cumulative rate and risk at ages 0-74", "sum of rates; 1 - exp(-sum)", list(decade = g),
    list(rate = r, rate_se = s, rate_limits = I(l), risk = 1 - exp(-r), risk_se = exp(-r) * s, risk_limits = I(1 - exp(-l)))) }
write_cases("person_time")
