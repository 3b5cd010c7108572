# Values for the self-test of an installation, of estimators that no other file has a case of.
source("common.R")

# A landmark: those with follow-up beyond it, by the response known then, from the landmark on.
local({
  o <- list(time = "futime", event = "death == 1", exposure = "crtime", at = 90)
  d <- prep("myeloid", o)
  kept <- d[d$futime > 90, ]
  kept$left <- kept$futime - 90
  kept$response <- !is.na(kept$crtime) & kept$crtime <= 90
  f <- survfit(Surv(left, death) ~ response, data = kept, conf.type = "log-log")
  s <- summary(f, times = 365)
  case("landmark_myeloid_90", "myeloid", "by complete response at day 90", "survfit(Surv(futime - 90, death) ~ response, subset = futime > 90)", o,
    list(n_risk = nrow(kept), n_event = sum(d$death[d$futime <= 90]), exposed = sum(kept$response), label = c("FALSE", "TRUE"), surv = s$surv, std_err = s$std.err, median = unname(quantile(f, 0.5)$quantile[, 1])))
})

# The difference of two quantiles, after Wang and Hettmansperger: separate limits at a common critical value.
local({
  o <- list(time = "futime", event = "death == 1", by = "trt", p = 0.25)
  d <- prep("myeloid", o)
  limits <- function(level) lapply(c("A", "B"), function(g) {
    f <- survfit(Surv(futime, death) ~ 1, data = d[d$trt == g, ], conf.type = "log-log", conf.int = level)
    unlist(quantile(f, 0.25))
  })
  own <- limits(0.95)
  lengths <- sapply(own, function(q) q[3] - q[2])
  joint <- limits(2 * pnorm(qnorm(0.975) * sqrt(sum(lengths^2)) / sum(lengths)) - 1)
  case("quantile_difference_myeloid", "myeloid", "time by which a quarter has died, B minus A", "quantile(survfit(...)), combined", o,
    list(difference = unname(own[[2]][1] - own[[1]][1]), lower = unname(joint[[2]][2] - joint[[1]][3]), upper = unname(joint[[2]][3] - joint[[1]][2])))
})
write_cases("check_values")
