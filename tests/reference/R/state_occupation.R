# State occupation with the infinitesimal jackknife, of which survfit shows less than it computes: in 3.5-3 the
# standard errors leave the initial distribution out unless influence = TRUE, and cluster= is not used, so both
# are summed up from the influence here. etm gives transition probabilities with Greenwood's variance.
source("common.R")
suppressMessages(library(etm))
prepared <- function(dataset, o) {
  d <- prep(dataset, o); d$..state <- factor(d[[o$state]], levels = c(o$censored, o$states))
  d$..entry <- ev(o$entry, d); d$..time <- ev(o$time, d); d$..w <- if (is.null(o$weights)) 1 else ev(o$weights, d)
  d[order(d$id, d$..entry), ]
}
current <- function(d, initial) {          # the state of each row: what the rows of the patient before it led to
  from <- rep(initial, nrow(d))
  for (i in seq_len(nrow(d))[-1]) if (d$id[i] == d$id[i - 1])
    from[i] <- if (as.integer(d$..state[i - 1]) == 1) from[i - 1] else as.character(d$..state[i - 1])
  from
}
at_times <- function(fit, influence, times, owner) {
  k <- findInterval(times + 1e-9, fit$time)
  u <- rowsum(matrix(influence, nrow = dim(influence)[1]), owner)     # rows: owners; columns: time then state
  se <- matrix(sqrt(colSums(u^2)), dim(influence)[2])
  lapply(seq_along(fit$states), function(j) list(state = fit$states[j], p = V(rbind(fit$p0, fit$pstate)[k + 1, j]), se = V(se[k + 1, j])))
}
stays <- function(fit, influence, from, tau, owner) {
  time <- c(from, pmin(pmax(fit$time, from), tau), tau); width <- diff(time)
  area <- apply(influence, c(1, 3), function(x) sum(x * width))
  list(mean = V(colSums(rbind(fit$p0, fit$pstate) * width)), se = V(sqrt(colSums(rowsum(area, owner)^2))))
}
occupied <- function(id, dataset, description, entry, time, state, censored, states, initial, times, tau, start_time = NULL, weights = NULL, cluster = NULL, derive = NULL, in_state = NULL) {
  o <- list(entry = entry, time = time, state = state, censored = censored, states = I(states), initial = initial, times = I(times), tau = tau, start_time = start_time, weights = weights, cluster = cluster, derive = derive, in_state = in_state)
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prepared(dataset, o); d$..from <- current(d, initial)
  if (!is.null(in_state)) {                # the landmark: patients in one state at start_time, and what follows
    there <- d$id[d$..from == in_state & d$..entry <= start_time & d$..time > start_time]
    d <- d[d$id %in% there & d$..time > start_time, ]; d$..entry <- pmax(d$..entry, start_time)
  } else if (!is.null(start_time)) d <- d[d$..time >= start_time, ]
  all <- unique(c(initial, states))
  d$..from <- factor(d$..from, levels = all)
  assign("d", d, globalenv())
  fit <- eval(quote(survfit(Surv(..entry, ..time, ..state) ~ 1, data = d, id = id, istate = ..from, weights = ..w, influence = TRUE)), globalenv())
  ids <- sort(unique(d$id)); owner <- if (is.null(cluster)) ids else d[[cluster]][match(ids, d$id)]
  u <- fit$influence.pstate * d$..w[match(ids, d$id)]   # patient x (start and times) x state; w is not in it
  from <- if (is.null(start_time)) 0 else start_time
  case(id, dataset, description, "survfit(Surv(entry, time, state) ~ 1, id, istate, weights, influence = TRUE)", o,
    list(states = I(fit$states), n = length(ids), occupation = at_times(fit, u, times, owner), stays = stays(fit, u, from, tau, owner)))
}
etm_case <- function(id, dataset, description, entry, time, state, censored, states, initial, moves, start_time, times, in_state = NULL, derive = NULL) {
  o <- list(entry = entry, time = time, state = state, censored = censored, states = I(states), initial = initial, moves = moves, start_time = start_time, times = I(times), in_state = in_state, derive = derive)
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prepared(dataset, o); d$..from <- current(d, initial)
  if (!is.null(in_state)) {
    there <- d$id[d$..from == in_state & d$..entry <= start_time & d$..time > start_time]
    d <- d[d$id %in% there & d$..time > start_time, ]; d$..entry <- pmax(d$..entry, start_time)
  }
  all <- unique(c(initial, states)); tra <- matrix(FALSE, length(all), length(all), dimnames = list(all, all))
  for (h in names(moves)) tra[h, unlist(moves[[h]])] <- TRUE
  x <- data.frame(id = d$id, from = d$..from, to = ifelse(as.integer(d$..state) == 1, "cens", as.character(d$..state)), entry = d$..entry, exit = d$..time)
  fit <- etm(x, all, tra, "cens", s = start_time, covariance = TRUE)
  k <- findInterval(times + 1e-9, fit$time)
  values <- list()
  for (h in if (is.null(in_state)) names(moves) else in_state) for (j in all) {
    v <- fit$cov[paste(h, j), paste(h, j), ]
    values[[length(values) + 1]] <- list(from = h, state = j, p = V(fit$est[h, j, k]), se = V(sqrt(pmax(v[k], 0))))
  }
  case(id, dataset, description, "etm(data, states, tra, 'cens', s)", o, list(probabilities = values))
}
am <- list("(s0)" = I(c("CR", "SCT", "relapse", "death")), CR = I(c("SCT", "relapse", "death")), SCT = I(c("CR", "relapse", "death")), relapse = I(c("SCT", "death")))
ms <- c("CR", "SCT", "relapse", "death")
occupied("occ_mgus2", "mgus2_ms", "from the beginning, with time in states", "tstart", "tstop", "state", "censor", c("pcm", "death"), "(s0)", c(12, 60, 240), 240)
occupied("occ_mgus2_weights", "mgus2_ms", "weights that are not whole numbers", "tstart", "tstop", "state", "censor", c("pcm", "death"), "(s0)", c(12, 60, 240), 240, weights = "age / 60")
occupied("occ_mgus2_cluster", "mgus2_ms", "clusters, summed up from the influence", "tstart", "tstop", "state", "censor", c("pcm", "death"), "(s0)", c(12, 60, 240), 240, cluster = "age")
occupied("occ_mgus2_age", "mgus2_ms", "delayed entry: age as the time scale", "a0", "a1", "state", "censor", c("pcm", "death"), "(s0)", c(800, 900, 1000), 1000, start_time = 720, derive = list(a0 = "age * 12 + tstart", a1 = "age * 12 + tstop"))
occupied("occ_myeloid_start", "myeloid_ms", "from day 100, in the states of that day", "tstart", "tstop", "event", "none", ms, "(s0)", c(120, 365, 1000), 1000, start_time = 100)
occupied("occ_myeloid_landmark", "myeloid_ms", "those in CR at day 100", "tstart", "tstop", "event", "none", ms, "(s0)", c(120, 365, 1000), 1000, start_time = 100, in_state = "CR")
etm_case("etm_myeloid", "myeloid_ms", "a reversible process from day 100", "tstart", "tstop", "event", "none", ms, "(s0)", am, 100, c(120, 365, 1000))
etm_case("etm_myeloid_landmark", "myeloid_ms", "those in CR at day 100", "tstart", "tstop", "event", "none", ms, "(s0)", am, 100, c(120, 365, 1000), in_state = "CR")
etm_case("etm_mgus2_age", "mgus2_ms", "delayed entry: age as the time scale", "a0", "a1", "state", "censor", c("pcm", "death"), "(s0)", list("(s0)" = I(c("pcm", "death")), pcm = I("death")), 720, c(800, 900, 1000), derive = list(a0 = "age * 12 + tstart", a1 = "age * 12 + tstop"))
write_cases("state_occupation")
