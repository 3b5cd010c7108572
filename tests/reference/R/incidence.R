# Cumulative incidence beside competing_risks.R: etm's variance, clusters, weights, a later start; differences between groups that share
# clusters; time lost with weights and clusters; pseudo-values; and 1 - Kaplan-Meier with the competing event censored.
source("common.R")
suppressMessages({library(etm); library(cmprsk)})
read_cr <- function(dataset, o) {
  d <- prep(dataset, o); d$..t <- as.numeric(ev(o$time, d)); k <- as.integer(ev(o$status, d)); d$..k <- k; d$..f <- factor(k, 0:max(k))
  d$..s <- if (is.null(o$entry)) 0 else as.numeric(ev(o$entry, d)); d$..g <- if (is.null(o$by)) factor("all") else factor(ev(o$by, d))
  d$..w <- if (is.null(o$weights)) 1 else ev(o$weights, d); d$..c <- if (is.null(o$cluster)) seq_len(nrow(d)) else ev(o$cluster, d); d$..id <- seq_len(nrow(d)); d
}
opts <- function(...) { o <- list(...); o[!vapply(o, is.null, TRUE)] }
# one group: survfit of Aalen-Johansen type, with what each row moves it by (residuals), at `times` and up to `tau`. With several states
# survfit (3.5-3) takes `cluster` and leaves it out of the standard errors; they are summed up from the residuals, which gives its own
# where every row is a cluster.
one_group <- function(d, o) {
  dg <<- d
  f <- survfit(Surv(..s, ..t, ..f) ~ 1, dg, weights = ..w, id = ..id)
  s <- summary(f, times = o$times, extend = TRUE); nc <- nlevels(d$..f) - 1
  at <- residuals(f, times = o$times, type = "pstate", collapse = FALSE); at <- aperm(array(at, c(nrow(d), length(o$times), nc + 1)), c(1, 3, 2))
  lost <- residuals(f, times = o$tau, type = "auc", collapse = FALSE); lost <- array(lost, c(nrow(d), nc + 1))
  at <- at[, -1, , drop = FALSE] * d$..w
  se <- t(apply(at, 2:3, function(u) sqrt(sum(tapply(u, d$..c, sum)^2))))
  if (is.null(o$cluster)) stopifnot(isTRUE(all.equal(unname(se), unname(s$std.err[, -1, drop = FALSE]), tolerance = 1e-10)))
  area <- summary(f, rmean = o$tau)$table[-1, "rmean"]
  list(cif = s$pstate[, -1, drop = FALSE], se = se, at = at, lost = lost[, -1, drop = FALSE] * d$..w, area = unname(area), cluster = d$..c)
}
joint <- function(u0, u1, g0, g1) sqrt(sum(tapply(c(-u0, u1), c(g0, g1), sum)^2))
robust_case <- function(id, dataset, description, time, status, times, tau, by = NULL, entry = NULL, weights = NULL, cluster = NULL, subset = NULL) {
  o <- opts(time = time, status = status, times = I(times), tau = tau, by = by, entry = entry, weights = weights, cluster = cluster, subset = subset)
  d <- read_cr(dataset, o); groups <- levels(d$..g); r <- lapply(groups, function(g) one_group(d[d$..g == g, ], o)); nc <- ncol(r[[1]]$cif)
  v <- list(groups = lapply(seq_along(groups), function(i) list(label = groups[i], causes = lapply(seq_len(nc), function(k) list(cause = k, cif = V(r[[i]]$cif[, k]), std_err = V(r[[i]]$se[, k]),
    years_lost = r[[i]]$area[k], years_lost_se = sqrt(sum(tapply(r[[i]]$lost[, k], r[[i]]$cluster, sum)^2)))))))
  if (length(groups) == 2) v$differences <- lapply(seq_len(nc), function(k) list(cause = k,
    std_err = V(sapply(seq_along(times), function(j) joint(r[[1]]$at[, k, j], r[[2]]$at[, k, j], r[[1]]$cluster, r[[2]]$cluster))),
    log_ratio_std_err = V(sapply(seq_along(times), function(j) joint(r[[1]]$at[, k, j] / r[[1]]$cif[j, k], r[[2]]$at[, k, j] / r[[2]]$cif[j, k], r[[1]]$cluster, r[[2]]$cluster))),
    years_lost_std_err = joint(r[[1]]$lost[, k], r[[2]]$lost[, k], r[[1]]$cluster, r[[2]]$cluster)))
  case(id, dataset, description, "survfit(Surv(entry, time, factor(status)) ~ 1, weights, id) of each group; residuals(, type = 'pstate' and 'auc')", o, v)
}
etm_case <- function(id, dataset, description, time, status, times, entry = NULL, subset = NULL) {
  o <- opts(time = time, status = status, times = I(times), entry = entry, subset = subset); d <<- read_cr(dataset, o)
  f <- if (is.null(entry)) etmCIF(Surv(..t, ..k != 0) ~ 1, d, etype = ..k) else etmCIF(Surv(..s, ..t, ..k != 0) ~ 1, d, etype = ..k)
  s <- summary(f)[[1]]; causes <- sort(unique(d$..k[d$..k > 0])); step <- function(x, t0) vapply(times, function(t) { k <- which(t0 <= t); if (length(k)) x[max(k)] else 0 }, 0)
  case(id, dataset, description, "etmCIF()", o, list(causes = lapply(causes, function(k) { x <- s[[paste("CIF", k)]]; list(cause = k, cif = V(step(x$P, x$time)), std_err = V(sqrt(step(x$var, x$time)))) })))
}
start_case <- function(id, dataset, description, time, status, times, start) {
  o <- opts(time = time, status = status, times = I(times), start_time = start); d <<- read_cr(dataset, o)
  f <- survfit(Surv(..t, ..f) ~ 1, d[d$..t >= start, ], start.time = start); s <- summary(f, times = times, extend = TRUE)
  case(id, dataset, description, "survfit(, start.time)", o, list(causes = lapply(seq_len(nlevels(d$..f) - 1), function(k) list(cause = k, cif = V(s$pstate[, k + 1]), std_err = V(s$std.err[, k + 1])))))
}
pseudo_case <- function(id, dataset, description, time, status, times, tau, subset = NULL) {
  o <- opts(time = time, status = status, times = I(times), tau = tau, subset = subset); d <<- read_cr(dataset, o); n <- nrow(d); nc <- nlevels(d$..f) - 1
  at <- function(x) { f <- survfit(Surv(..t, ..f) ~ 1, x); s <- summary(f, times = times, extend = TRUE); c(s$pstate[, -1], summary(f, rmean = tau)$table[-1, "rmean"]) }
  full <- at(d); jk <- t(vapply(seq_len(n), function(i) n * full - (n - 1) * at(d[-i, ]), full)); f <- survfit(Surv(..t, ..f) ~ 1, d); m <- length(times)
  inf <- array(pseudo(f, times = times, type = "pstate"), c(n, m, nc + 1)); lost <- array(pseudo(f, times = tau, type = "auc"), c(n, nc + 1))
  case(id, dataset, description, "n F - (n - 1) F_-i; survival::pseudo(survfit(), type = 'pstate' and 'auc')", o, list(causes = lapply(seq_len(nc), function(k) list(cause = k,
    jackknife = mat(jk[, (k - 1) * m + seq_len(m), drop = FALSE]), jackknife_lost = V(jk[, nc * m + k]), infinitesimal = mat(unname(matrix(inf[, , k + 1], n))), infinitesimal_lost = V(lost[, k + 1])))))
}
naive_case <- function(id, dataset, description, time, status, cause, times, by) {
  o <- opts(time = time, status = status, cause = cause, times = I(times), by = by); d <<- read_cr(dataset, o); d$..e <<- as.integer(d$..k == cause)
  case(id, dataset, description, "1 - survfit(Surv(time, status == cause) ~ by)", o, list(groups = lapply(levels(d$..g), function(g) { f <- survfit(Surv(..t, ..e) ~ 1, d[d$..g == g, ], conf.type = "log-log"); s <- summary(f, times = times, extend = TRUE)
    list(label = g, estimate = V(1 - s$surv), std_err = V(s$std.err), lower = V(1 - s$upper), upper = V(1 - s$lower)) })))
}
etm_case("etm_bmtcrr", "bmtcrr", "the variance of etm without delayed entry", "ftime", "Status", c(1, 6, 12, 24, 60))
etm_case("etm_aidssi2", "aidssi2_cr", "the variance of etm under delayed entry, where it is not the infinitesimal jackknife", "etime", "cause", c(2, 4, 6, 8, 10), entry = "entry.time", subset = "etime > entry.time")
robust_case("robust_bmtcrr_cluster", "bmtcrr", "clusters with rows in both groups", "ftime", "Status", c(3, 12, 24), 24, by = "D", cluster = "Age")
robust_case("robust_follic_weights", "follic", "weights that are not whole numbers, and clusters", "time", "status", c(1, 5, 10), 10, by = "clinstg", weights = "age / 50", cluster = "age")
robust_case("robust_aidssi2_entry", "aidssi2_cr", "delayed entry with weights", "etime", "cause", c(2, 4, 8), 8, entry = "entry.time", weights = "etime / 5", subset = "etime > entry.time")
robust_case("robust_mgus2_rows", "mgus2_cr", "heavy ties, no weights", "etime", "event", c(12, 60, 240), 240, by = "sex")
start_case("start_bmtcrr", "bmtcrr", "given event-free at 6 months", "ftime", "Status", c(6, 12, 24, 60), 6)
pseudo_case("pseudo_bmtcrr", "bmtcrr", "pseudo-values of incidence and time lost", "ftime", "Status", c(3, 12, 24), 24)
naive_case("naive_mgus2", "mgus2_cr", "progression with death censored", "etime", "event", 1, c(60, 120, 240), "sex")
write_cases("incidence")
