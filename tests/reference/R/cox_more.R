# Cox models in combinations: strata with delayed entry, weights, offsets and ties; curves along covariate paths, of strata and
# of robust fits; curves averaged over the rows of a fit; tests of proportional hazards under weights and a ridge.
source("common.R")
fit_cox <- function(o, d) {
  rhs <- c(unlist(o$terms), if (!is.null(o$strata)) sprintf("strata(%s)", paste(o$strata, collapse = ", ")),
           if (!is.null(o$offset)) sprintf("offset(%s)", o$offset))
  lhs <- if (is.null(o$entry)) sprintf("Surv(%s, %s)", o$time, o$event) else sprintf("Surv(%s, %s, %s)", o$entry, o$time, o$event)
  call <- sprintf("coxph(%s ~ %s, data = d, ties = '%s', x = TRUE, model = TRUE, control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50)%s%s%s)",
    lhs, paste(rhs, collapse = " + "), o$ties, if (is.null(o$weights)) "" else paste0(", weights = ", o$weights),
    if (is.null(o$cluster)) "" else paste0(", cluster = ", o$cluster), if (is.null(o$robust)) "" else paste0(", robust = ", o$robust))
  assign("d", d, globalenv())
  eval(parse(text = call), globalenv())
}
# One entry per stratum (or path) and row of the new data. Read off the survfit object: with strata and new data together, summary()
# of survival 3.5-3 drops all but the first column. std.err of the object is that of the cumulative hazard.
curve <- function(sf, times) {
  n <- if (is.null(sf$strata)) c(all = length(sf$time)) else sf$strata
  ends <- cumsum(n)
  out <- list()
  for (k in seq_along(n)) for (j in seq_len(NCOL(sf$surv))) {
    rows <- (ends[k] - n[k] + 1):ends[k]
    at <- findInterval(times, sf$time[rows])
    read <- function(m, before) V(c(before, as.matrix(m)[rows, j])[at + 1])
    out[[length(out) + 1]] <- list(stratum = names(n)[k], row = j, surv = read(sf$surv, 1), std_chaz = read(sf$std.err, 0), lower = read(sf$lower, 1), upper = read(sf$upper, 1), cumhaz = read(sf$cumhaz, 0))
  }
  out
}
cx <- function(id, dataset, description, time, event, terms, entry = NULL, ties = "efron", strata = NULL, offset = NULL, weights = NULL,
               cluster = NULL, robust = NULL, subset = NULL, dropna = NULL, derive = NULL, factors = NULL, zph = "km", times = NULL, conf_type = "log-log",
               at = NULL, path = NULL, average = NULL, resid = TRUE) {
  o <- list(time = time, event = event, entry = entry, terms = I(terms), ties = ties, strata = if (!is.null(strata)) I(strata), offset = offset,
            weights = weights, cluster = cluster, robust = robust, subset = subset, dropna = if (!is.null(dropna)) I(dropna), derive = derive,
            factors = factors, times = if (!is.null(times)) I(times), conf_type = conf_type, at = at, path = path, average = average)
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o)
  f <- fit_cox(o, d)
  cf <- coef(f)
  v <- list(n = f$n, nevent = f$nevent, coef = NL(cf), var = mat(`dimnames<-`(f$var, list(names(cf), names(cf)))), loglik = V(f$loglik),
    score_test = f$score, robust_score_test = f$rscore, wald_test = f$wald.test, means = NL(f$means))
  if (resid) {
    r <- list()
    for (ty in c("martingale", "deviance")) r[[ty]] <- list(first = V(head(residuals(f, ty), 8)), sumsq = sum(residuals(f, ty)^2))
    for (ty in c("score", "dfbeta", "dfbetas", "schoenfeld", "scaledsch")) {
      x <- as.matrix(residuals(f, ty)); colnames(x) <- names(cf); rownames(x) <- NULL
      r[[ty]] <- list(first = mat(head(x, 8)), colsumsq = V(colSums(x^2)))
    }
    v$residuals <- r
  }
  h <- concordance(f)
  v$concordance <- list(harrell = unname(h$concordance), harrell_se = unname(sqrt(h$var)), counts = NL(if (is.matrix(h$count)) colSums(h$count) else h$count))
  if (length(zph)) v$cox_zph <- lapply(setNames(zph, zph), function(tr) mat(cox.zph(f, transform = tr)$table))
  frame <- function(l) { nd <- as.data.frame(l, check.names = FALSE)
    for (n in intersect(names(nd), names(d))) if (is.factor(d[[n]])) nd[[n]] <- factor(nd[[n]], levels = levels(d[[n]])); nd }
  if (!is.null(at)) v$curves <- curve(survfit(f, newdata = frame(at), conf.type = conf_type), times)
  if (!is.null(path)) { p <- frame(path); v$path <- curve(survfit(f, newdata = p, id = id, conf.type = conf_type), times) }
  if (!is.null(average)) {
    v$average <- lapply(setNames(nm = levels(factor(d[[average]]))), function(l) {
      nd <- d; nd[[average]] <- if (is.factor(d[[average]])) factor(l, levels = levels(d[[average]])) else as.numeric(l)
      w <- if (is.null(weights)) rep(1, nrow(d)) else ev(weights, d)
      s <- summary(survfit(f, newdata = nd, se.fit = FALSE), times = times, extend = TRUE)$surv
      V(as.vector(s %*% w) / sum(w)) })
  }
  case(id, dataset, description, "coxph(); survfit(); residuals(); cox.zph()", o, v)
}
lung <- c("age", "ph.ecog", "wt.loss", "ph.karno")
for (t in c("efron", "breslow")) {
  cx(paste0("more_bmt_everything_", t), "kmsurv_bmt", "strata, delayed entry, weights, offset and ties", "stop", "d3 == 1",
     c("z1", "z8"), entry = "start", strata = "group", weights = "1 + z3", offset = "0.02 * z2", ties = t, robust = FALSE,
     derive = list(start = "1 * (ta > 1000) + 1 * (ta > 1500)",
     stop = "3 + 1 * (t2 > 30) + 2 * (t2 > 60) + 4 * (t2 > 120) + 5 * (t2 > 200) + 5 * (t2 > 300) + 10 * (t2 > 400) + 20 * (t2 > 700)"), subset = "t2 > 5", zph = c("km", "rank", "identity", "log"), times = c(5, 20, 60), at = list(z1 = c(25, 40), z8 = c(0, 1), z2 = c(0, 0), group = c(1, 3)))
  cx(paste0("more_heart_rounded_", t), "heart", "start-stop rows with many exact ties", "stop2", "event == 1", c("age", "surgery", "transplant"),
     entry = "start2", ties = t, derive = list(start2 = "10 * (start > 4) + 10 * (start > 14) + 10 * (start > 24) + 20 * (start > 44) + 50 * (start > 94)",
     stop2 = "10 * (stop > 4) + 10 * (stop > 14) + 10 * (stop > 24) + 20 * (stop > 44) + 50 * (stop > 94) + 100 * (stop > 194) + 300 * (stop > 494)"),
     subset = "stop2 > start2", zph = c("km", "identity"), times = c(10, 30, 100), at = list(age = c(0, -10), surgery = c(0, 1), transplant = c("0", "1")))
}
cx("more_lung_strata_entry_weights", "lung", "strata, delayed entry, weights and clusters", "time", "status == 2", c("age", "ph.ecog"), entry = "time / 10 - time / 20",
   strata = "sex", weights = "0.5 + ph.karno / 100", cluster = "inst", dropna = c(lung, "inst"), zph = c("km", "rank"), times = c(100, 300, 600), at = list(age = c(50, 70), ph.ecog = c(0, 2)))
cx("more_lung_robust_curves", "lung", "curves of a fit with a robust variance", "time", "status == 2", c("age", "sex"), robust = TRUE, times = c(100, 365, 700),
   at = list(age = c(50, 70), sex = c(1, 2)), conf_type = "log")
cx("more_retinopathy_cluster", "retinopathy", "clusters within strata", "futime", "status == 1", c("trt", "risk"), cluster = "id", strata = "type", times = c(10, 40),
   at = list(trt = c(0, 1), risk = c(9, 10)), conf_type = "plain")
cx("more_veteran_strata", "veteran", "curves of every stratum", "time", "status == 1", c("karno", "age"), strata = c("celltype", "trt"), zph = c("km", "log"), times = c(30, 90),
   at = list(karno = c(60, 80), age = c(60, 50)), conf_type = "plain")
cx("more_lung_weights_whole", "lung", "whole weights, model-based", "time", "status == 2", c("age", "ph.karno"), weights = "1 * sex", robust = FALSE, dropna = lung,
   zph = c("km", "rank"), times = c(100, 365), at = list(age = 60, ph.karno = 80), conf_type = "log")
cx("more_heart_path", "heart", "a patient who is transplanted at 50 days, and one who is not", "stop", "event == 1", c("age", "year", "surgery", "transplant"), entry = "start",
   zph = "log", subset = "stop > 0", times = c(20, 50, 90, 365, 1000), path = list(id = c(1, 1, 2), start = c(0, 50, 0), stop = c(50, 1500, 1500), event = c(0, 0, 0), age = c(5, 5, -5),
   year = c(3, 3, 4), surgery = c(0, 0, 1), transplant = c("0", "1", "0")))
cx("more_pbc_tdc_path", "pbc_tdc", "bilirubin that rises", "tstop", "death == 2", c("log(bili)", "log(protime)", "age"), entry = "tstart", zph = "rank",
   times = c(100, 400, 800, 1500, 3000), path = list(id = c(1, 1, 1), tstart = c(0, 365, 730), tstop = c(365, 730, 4000), death = c(0, 0, 0), bili = c(1, 3, 9),
   protime = c(10, 10.5, 11), age = c(50, 50, 50)), conf_type = "log")
cx("more_veteran_average", "veteran", "curves averaged over the rows", "time", "status == 1", c("karno", "celltype"), times = c(30, 90, 180, 365), average = "celltype", resid = FALSE)
cx("more_lung_average", "lung", "curves averaged over weighted rows in strata", "time", "status == 2", c("age", "ph.ecog"), weights = "1 * inst", strata = "sex", robust = FALSE,
   dropna = c("ph.ecog", "inst"), times = c(100, 365, 700), resid = FALSE)
cx("more_mgus2_average", "mgus2", "curves averaged over many rows with ties", "futime", "death == 1", c("age", "sex", "hgb"), dropna = "hgb", times = c(12, 60, 240), average = "sex", resid = FALSE)
# The splines of rms (rcspline.eval is Hmisc's) under coxph: rms::cph stops when the log-likelihood has settled to 1e-4.
cx_rcs <- function(id, dataset, description, time, event, x, nk, others = NULL, subset = NULL) {
  o <- list(time = time, event = event, x = x, nk = nk, others = if (!is.null(others)) I(others), subset = subset)
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o)
  d$..t <- ev(time, d); d$..e <- as.numeric(ev(event, d))
  B <<- Hmisc::rcspline.eval(d[[x]], nk = nk, inclx = TRUE)
  assign("d", d, globalenv())
  f <- coxph(fml("Surv(..t, ..e)", paste(c("B", others), collapse = "+")), data = d, control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50))
  wald <- function(k) as.numeric(t(coef(f)[k]) %*% solve(f$var[k, k], coef(f)[k]))
  k <- seq_len(ncol(B))
  case(id, dataset, description, "coxph() of Hmisc::rcspline.eval()", o, list(knots = V(attr(B, "knots")), b = V(coef(f)), se = V(sqrt(diag(f$var))), loglik = V(f$loglik),
    spline_test = wald(k), nonlinear_test = wald(k[-1])))
}
cx_rcs("rcs_mgus2", "mgus2", "four knots", "futime", "death == 1", "hgb", 4, c("age", "sex"), "hgb > 0")
cx_rcs("rcs_bmt", "kmsurv_bmt", "three knots", "t2", "d3 == 1", "z1", 3)
cx_rcs("rcs_pbc", "pbc", "five knots", "time", "status == 2", "bili", 5, "age")
write_cases("cox_more")
