# Concordance of a marker: case weights, clusters, strata, delayed entry, a horizon, and every time weight.
# Higher scores mean shorter survival. In 3.5-3 a time weight other than "n" crashes on (start, stop] data, and gives
# strata with a single event the weight of "n"; the cases here have neither. The matrix of counts by stratum is summed.
source("common.R")
ALL <- c("n", "S", "S/G", "n/G2", "I")
marker <- function(id, dataset, description, time, event, score, entry = NULL, strata = NULL, weights = NULL, cluster = NULL, tau = NULL, timewt = "n", subset = NULL, dropna = NULL) {
  o <- list(time = time, event = event, score = score, entry = entry, strata = strata, weights = weights, cluster = cluster, tau = tau, subset = subset, dropna = if (!is.null(dropna)) I(dropna))
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o)
  y <- if (is.null(entry)) Surv(as.numeric(ev(time, d)), as.numeric(ev(event, d))) else Surv(ev(entry, d), as.numeric(ev(time, d)), as.numeric(ev(event, d)))
  a <- list(y, as.numeric(ev(score, d)), reverse = TRUE, keepstrata = TRUE)
  if (!is.null(strata)) a$strata <- ev(strata, d)
  if (!is.null(weights)) a$weights <- as.numeric(ev(weights, d))
  if (!is.null(cluster)) a$cluster <- ev(cluster, d)
  if (!is.null(tau)) a$ymax <- tau
  v <- lapply(setNames(nm = timewt), function(w) {
    f <- do.call(concordancefit, c(a, timewt = w))
    list(c = unname(f$concordance), se = sqrt(unname(f$var)), count = NL(if (is.matrix(f$count)) colSums(f$count) else f$count)) })
  case(id, dataset, description, "concordancefit(..., reverse = TRUE)", o, v)
}
marker("concordance_lung_weights", "lung", "weights that are not whole numbers", "time", "status == 2", "ph.karno * (-1)", weights = "age / 60", timewt = ALL, dropna = "ph.karno")
marker("concordance_lung_whole_weights", "lung", "replication", "time", "status == 2", "age", weights = "ph.ecog + 1", timewt = ALL, dropna = "ph.ecog")
marker("concordance_lung_strata", "lung", "two strata, all time weights", "time", "status == 2", "age", strata = "sex", timewt = ALL)
marker("concordance_lung_strata_weights_tau", "lung", "two strata, weights and a horizon", "time", "status == 2", "age", strata = "sex", weights = "age / 60", tau = 365, timewt = ALL)
marker("concordance_lung_many_strata", "lung", "eighteen strata, some with one event or none", "time", "status == 2", "age", strata = "inst", dropna = "inst")
marker("concordance_mgus2_strata_cluster", "mgus2", "strata of tied times, clusters across them", "futime", "death == 1", "hgb * (-1)", strata = "sex", cluster = "age", tau = 120, timewt = ALL, dropna = c("hgb"))
marker("concordance_retinopathy_cluster", "retinopathy", "two eyes of a patient", "futime", "status == 1", "risk", cluster = "id", timewt = ALL)
marker("concordance_retinopathy_cluster_weights", "retinopathy", "clusters with weights", "futime", "status == 1", "risk", weights = "age / 10 + 1", cluster = "id", timewt = ALL)
marker("concordance_flchain_tau", "flchain", "many patients, a horizon at a time of events", "futime", "death == 1", "age", tau = 2500, timewt = ALL)
marker("concordance_heart_entry", "heart", "start-stop rows, clustered", "stop", "event == 1", "age", entry = "start", cluster = "id")
marker("concordance_heart_entry_tau", "heart", "start-stop rows, weights and a horizon", "stop", "event == 1", "age", entry = "start", weights = "year + 1", tau = 100)
marker("concordance_channing_entry_strata", "kmsurv_channing", "delayed entry in strata, weights", "age", "death == 1", "ageentry", entry = "ageentry", strata = "gender", weights = "age / 900", subset = "age > ageentry")
write_cases("concordance")
