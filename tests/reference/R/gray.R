# Gray's tests beyond competing_risks.R: many groups, heavy ties, strata and rho together, by cmprsk's cuminc.
source("common.R")
suppressMessages(library(cmprsk))
gray <- function(id, dataset, description, time, status, group, strata = NULL, rho = 0, dropna = NULL) {
  o <- list(time = time, status = status, group = group, strata = strata, rho = rho, dropna = if (!is.null(dropna)) I(dropna))
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o); t <- as.numeric(ev(time, d)); c <- as.integer(ev(status, d)); g <- ev(group, d)
  f <- if (is.null(strata)) cuminc(t, c, g, rho = rho, cencode = 0) else cuminc(t, c, g, ev(strata, d), rho = rho, cencode = 0)
  case(id, dataset, description, "cuminc(time, status, group, strata, rho)$Tests", o, list(gray_tests = lapply(seq_len(nrow(f$Tests)), function(i) list(cause = rownames(f$Tests)[i], stat = f$Tests[i, 1], p = f$Tests[i, 2], df = f$Tests[i, 3]))))
}
gray("gray_follic_strata_rho", "follic", "strata and weights together", "time", "status", "ch", "clinstg", 0.5)
gray("gray_follic_ages", "follic", "groups of age", "time", "status", "(age > 40) * 1 + (age > 50) * 1 + (age > 60) * 1 + (age > 70) * 1")
gray("gray_mgus2_ages", "mgus2_cr", "months, so that most are tied", "etime", "event", "(age > 60) * 1 + (age > 75) * 1", rho = 1)
gray("gray_mgus2_strata", "mgus2_cr", "months, strata", "etime", "event", "sex", "hgb > 13", 2, dropna = "hgb")
gray("gray_bmtcrr_rho", "bmtcrr", "four groups, strata", "ftime", "Status", "Phase", "D", 1)
write_cases("gray")
