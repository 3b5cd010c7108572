# Follow-up cut into episodes (survSplit) and exposures that turn on during it (tmerge), with Cox models on the rows.
source("common.R")
columns <- function(d) lapply(as.list(d), function(x) V(if (is.factor(x)) as.character(x) else x))
cox_of <- function(formula, d, ties) { f <- coxph(formula, d, ties = ties, control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 100)); list(coef = V(coef(f)), se = V(sqrt(diag(vcov(f)))), loglik = V(f$loglik)) }
split_case <- function(id, dataset, description, time, event, cut, entry = NULL, subset = NULL, keep = character(), rows = TRUE) {
  o <- list(time = time, event = event, entry = entry, cut = I(cut), keep = I(keep), subset = subset)
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o)
  d <- data.frame(d[keep], row = seq_len(nrow(d)), entry = if (is.null(entry)) 0 else d[[entry]], time = d[[time]], event = as.numeric(ev(event, d)))
  s <- survSplit(Surv(entry, time, event) ~ ., d, cut = cut, episode = "episode")
  s <- s[order(s$row, s$entry), ]
  by_episode <- aggregate(cbind(n = 1, person_time = s$time - s$entry, events = s$event), list(episode = s$episode), sum)
  case(id, dataset, description, "survSplit(Surv(entry, time, event) ~ ., cut = cut, episode = 'episode')", o,
    list(n = nrow(s), rows = if (rows) columns(s[c("row", keep, "entry", "time", "event", "episode")]), by_episode = columns(by_episode)))
}
expose_case <- function(id, description, exposure, subset = NULL, rows = TRUE, covariates = NULL) {
  o <- list(id = "id", time = "futime", event = "death", exposure = exposure, subset = subset, covariates = covariates)
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep("myeloid", o)
  m <- tmerge(d[c("id", "trt")], d, id = id, death = event(futime, death))
  for (name in names(exposure)) { d$when <- d[[exposure[[name]]]]; m <- tmerge(m, d, id = id, x = tdc(when)); names(m)[names(m) == "x"] <- name }
  m <- m[order(m$id, m$tstart), ]
  exposed <- lapply(names(exposure), function(n) list(n = sum(m[[n]]), person_time = sum((m$tstop - m$tstart)[m[[n]] == 1]), events = sum(m$death[m[[n]] == 1])))
  names(exposed) <- names(exposure)
  fits <- if (!is.null(covariates)) { f <- as.formula(paste("Surv(tstart, tstop, death) ~", covariates)); list(efron = cox_of(f, m, "efron"), breslow = cox_of(f, m, "breslow")) }
  case(id, "myeloid", description, "tmerge(d, d, id, death = event(futime, death), <name> = tdc(<time>)); coxph(Surv(tstart, tstop, death) ~ ...)", o,
    list(n = nrow(m), n_event = sum(m$death), rows = if (rows) columns(m[c("id", "tstart", "tstop", "death", names(exposure))]), exposed = exposed, cox = fits))
}
split_case("split_aml", "aml", "one row per patient; a cut that is also a time", "time", "status == 1", c(9, 23, 30, 500), keep = "x")
split_case("split_aml_zero", "aml", "cuts out of order, twice, and at 0", "time", "status == 1", c(30, 0, 12.5, 30))
split_case("split_heart", "heart", "delayed entry, several rows per patient", "stop", "event == 1", c(30, 90, 365), entry = "start", keep = "transplant", subset = "id <= 40")
split_case("split_myeloid_yearly", "myeloid", "a large trial by year", "futime", "death == 1", c(365, 730, 1095, 1461), rows = FALSE)
expose_case("expose_myeloid_three", "three exposures, first patients", list(transplant = "txtime", response = "crtime", relapse = "rltime"), subset = "id <= 40")
expose_case("expose_myeloid_transplant", "transplantation; one follow-up ends on its day", list(transplant = "txtime"), rows = FALSE, covariates = "trt + transplant")
expose_case("expose_myeloid_all", "three exposures, all patients", list(transplant = "txtime", response = "crtime", relapse = "rltime"), rows = FALSE, covariates = "trt + transplant + response + relapse")
# taken as known from time zero
d <- prep("myeloid", list()); d$transplant <- as.numeric(!is.na(d$txtime))
case("baseline_myeloid_transplant", "myeloid", "transplantation as if known from time zero", "coxph(Surv(futime, death) ~ trt + !is.na(txtime))",
  list(time = "futime", event = "death"), list(cox = list(efron = cox_of(Surv(futime, death) ~ trt + transplant, d, "efron"), breslow = cox_of(Surv(futime, death) ~ trt + transplant, d, "breslow"))))
# an event on the day of an exposure counts as exposed: z(t) = 1 at t itself, by stepping exposures back half a day
d <- prep("myeloid", list()); d$when <- d$txtime - 0.5
m <- tmerge(d[c("id", "trt")], d, id = id, death = event(futime, death), transplant = tdc(when))
case("expose_myeloid_on_the_day", "myeloid", "z(t) = 1 on the day of transplantation: half a day earlier", "tmerge(..., transplant = tdc(txtime - 0.5))",
  list(id = "id", time = "futime", event = "death", exposure = list(transplant = "txtime"), covariates = "trt + transplant"),
  list(exposed = list(transplant = list(events = sum(m$death[m$transplant == 1]))), cox = list(efron = cox_of(Surv(tstart, tstop, death) ~ trt + transplant, m, "efron"), breslow = cox_of(Surv(tstart, tstop, death) ~ trt + transplant, m, "breslow"))))
# an effect that differs after the first year
d <- survSplit(Surv(futime, death) ~ ., prep("myeloid", list()), cut = 365, episode = "episode"); d$late <- (d$trt == "B") * (d$episode == 2)
case("effect_myeloid_by_period", "myeloid", "the effect of treatment in the first year, and how it differs later", "survSplit(, cut = 365); coxph(Surv(tstart, futime, death) ~ trt + late)",
  list(time = "futime", event = "death", cut = 365), list(cox = list(efron = cox_of(Surv(tstart, futime, death) ~ trt + late, d, "efron"))))
write_cases("episodes")
