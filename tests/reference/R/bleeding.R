# Bleeding: the same patients before and after a switch, factor activity along time, time in the therapeutic range.
source("common_epi.R")
suppressMessages({library(MASS); library(sandwich); library(geepack); library(lme4)})
cols <- function(d) lapply(d, I1)
strict <- glm.control(epsilon = 1e-15, maxit = 100)
set.seed(8)
n <- 60; frailty <- rgamma(n, .8, .8)
d <- data.frame(id = rep(1:n, each = 2), after = rep(0:1, n), years = round(c(rbind(runif(n, .4, 1.2), runif(n, .5, 3))), 3))
d$bleeds <- rpois(2*n, rep(frailty, each = 2)*d$years*ifelse(d$after == 1, 2.2, 5)*rgamma(2*n, 4, 4))
add("switch", "inline", "60 patients before and after a switch: conditional Poisson as a model with an effect of each patient, GEE, negative binomial, difference of rates",
  "glm; geepack::geeglm; MASS::glm.nb; sandwich::vcovCL", list(data = cols(d)), {
  bled <- d[ave(d$bleeds, d$id, FUN = sum) > 0, ]
  w <- glm(bleeds ~ after + factor(id) + offset(log(years)), poisson, bled, control = strict)
  g <- geeglm(bleeds ~ after + offset(log(years)), poisson, d, id = id, corstr = "independence", control = geese.control(epsilon = 1e-14, maxit = 100))
  b <- glm.nb(bleeds ~ after + offset(log(years)), d, control = strict)
  q <- glm(I(bleeds/years) ~ after, quasi(identity, "mu"), d, weights = years, start = c(5, -2), control = strict)
  robust <- function(f, x) sqrt(vcovCL(f, x$id, type = "HC0", cadjust = FALSE)["after", "after"])
  list(within = coef(w)[["after"]], within_se = robust(w, bled), within_se_model = sqrt(vcov(w)["after", "after"]),
    population = coef(g)[["after"]], population_se = summary(g)$coefficients["after", "Std.err"],
    nb = coef(b)[["after"]], nb_se = robust(b, d), difference = coef(q)[["after"]], difference_se = robust(q, d)) })
m <- 40; k <- sample(3:8, m, TRUE); a <- data.frame(id = rep(1:m, k))
a$years <- round(unlist(lapply(k, function(x) sort(runif(x, .1, 6)))), 2)
line <- MASS::mvrnorm(m, c(3.4, -.12), matrix(c(.25, -.01, -.01, .004), 2))
a$activity <- round(exp(line[a$id, 1] + line[a$id, 2]*a$years + rnorm(nrow(a), 0, .15)), 2)
exact <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e5), calc.derivs = FALSE)
line_of <- function(f) { v <- VarCorr(f)$id; list(coef = I1(fixef(f)), se = I1(sqrt(diag(as.matrix(vcov(f))))), between = I1(c(v[1, 1], v[1, 2], v[2, 2])), within = sigma(f)^2, reml = as.numeric(-2*logLik(f))) }
add("activity_line", "inline", "Random intercepts and slopes of log factor activity, REML", "lme4::lmer(log(activity) ~ years + (years | id))", list(data = cols(a)), line_of(lmer(log(activity) ~ years + (years | id), a, control = exact)))
flat <- a; flat$activity <- round(exp(3.4 + rnorm(m, 0, .5)[a$id] - .12*a$years + rnorm(nrow(a), 0, .15)), 2)
add("activity_line_parallel", "inline", "The same where the slopes do not differ: a covariance on its boundary", "lme4::lmer", list(data = cols(flat)), line_of(suppressMessages(lmer(log(activity) ~ years + (years | id), flat, control = exact))))
at <- c(.5, 2, 5); near <- function(v) { i <- which(abs(a$years - v) <= .5); i <- i[order(a$id[i], abs(a$years[i] - v), a$years[i])]; a$activity[i[!duplicated(a$id[i])]] }
add("activity_visits", "inline", "Factor activity nearest to each visit, within half a year", "quantile; prop.test(correct = FALSE)", list(data = cols(a)), lapply(at, function(v) { x <- near(v)
  w <- suppressWarnings(prop.test(sum(x > 25), length(x), correct = FALSE)); list(visit = v, n = length(x), quartiles = I1(quantile(x, c(.25, .5, .75))), above = sum(x > 25), limits = I1(w$conf.int)) }))
# The line between two measurements, cut where it meets a bound: each piece is where its middle is
r <- data.frame(id = rep(1:25, each = 12)); r$day <- ave(sample(c(7, 14, 21, 28, 42, 56, 57, 90), nrow(r), TRUE), r$id, FUN = cumsum)
r$inr <- round(exp(rnorm(nrow(r), log(2.5), .3)), 1)
piece <- function(x) { s <- c(0, 0, 0, 0); for (i in seq_len(nrow(x) - 1)) { g <- diff(x$day[i + 0:1]); v <- x$inr[i + 0:1]
    if (g > 56) { s[4] <- s[4] + g; next }
    cut <- if (diff(v) == 0) numeric(0) else (c(2, 3) - v[1])/diff(v); cut <- sort(c(0, 1, cut[cut > 0 & cut < 1])); mid <- v[1] + diff(v)*(head(cut, -1) + tail(cut, -1))/2
    where <- ifelse(mid < 2, 1, ifelse(mid <= 3, 2, 3)); for (j in seq_along(where)) s[where[j]] <- s[where[j]] + g*diff(cut)[j] }; s }
add("inr", "inline", "Days below, in and above 2-3 by linear interpolation, and in intervals of more than 56 days; the share in range with a robust error between patients", "by pieces; survey-like ratio", list(data = cols(r)), {
  s <- t(sapply(split(r, r$id), piece)); t0 <- rowSums(s[, 1:3]); p <- sum(s[, 2])/sum(t0)
  list(days = list(below = I1(s[, 1]), in_range = I1(s[, 2]), above = I1(s[, 3]), left_out = I1(s[, 4])), share = p, se = sqrt(vcovCL(lm(I(s[, 2]/t0) ~ 1, weights = t0), seq_along(t0), type = "HC0", cadjust = FALSE))[1, 1]) })
finish("bleeding", c("MASS", "sandwich", "geepack", "lme4"))
