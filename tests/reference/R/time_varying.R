# Cox models whose effects change with time. Steps: survSplit() and the covariate within each period. Functions of time: coxph()'s
# tt(), which must agree with rows cut at every event time. Predictions along time: survfit() with the rows of one patient.
source("common.R")
FUNCTIONS <- list(identity = function(t) t, log = log, sqrt = sqrt, log1p = log1p, "log(t + 20)" = function(t) log(t + 20))
CONTROL <- coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50)
# The columns of each term; a term that changes has one set for each period, or x and x * g(end of the row).
columns_of <- function(X, terms, varying, tstart, tstop) {
  blocks <- list()
  for (t in names(terms)) {
    x <- X[, terms[[t]], drop = FALSE]; v <- varying[[t]]
    blocks <- c(blocks, if (is.null(v)) list(x) else if (is.character(v)) list(x, x * FUNCTIONS[[v]](tstop)) else {
      cuts <- unlist(v); period <- findInterval(tstart, cuts)
      lapply(0:length(cuts), function(k) x * (period == k))
    })
  }
  m <- do.call(cbind, blocks); colnames(m) <- paste0("v", seq_len(ncol(m))); m
}
tv <- function(id, dataset, description, time, event, terms, varying, entry = NULL, strata = NULL, weights = NULL, cluster = NULL, ties = "efron",
               subset = NULL, dropna = NULL, factors = NULL, new = NULL, times = NULL, tt_formula = NULL, tt_function = NULL) {
  o <- list(time = time, event = event, entry = entry, terms = I(terms), varying = lapply(varying, I), strata = if (!is.null(strata)) I(strata), weights = weights,
            cluster = cluster, ties = ties, subset = subset, dropna = if (!is.null(dropna)) I(dropna), factors = factors, new = new, times = if (!is.null(times)) I(times))
  o$varying <- lapply(varying, function(v) if (is.character(v)) v else I(v))
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o)
  X <- do.call(cbind, lapply(terms, function(t) model.matrix(as.formula(paste("~", t)), d)[, -1, drop = FALSE]))
  n_columns <- vapply(terms, function(t) ncol(model.matrix(as.formula(paste("~", t)), d)) - 1L, 1L)
  at <- split(seq_len(ncol(X)), rep(factor(terms, levels = terms), n_columns))
  s <- data.frame(row = seq_len(nrow(d)), t1 = ev(time, d), e = as.numeric(ev(event, d)))
  s$t0 <- if (is.null(entry)) 0 else ev(entry, d)
  cuts <- sort(unique(c(unlist(Filter(is.numeric, varying)), if (any(vapply(varying, is.character, TRUE))) s$t1[s$e == 1])))
  p <- survSplit(Surv(t0, t1, e) ~ row, s, cut = cuts, start = "start", end = "stop", event = "e")
  M <- columns_of(X[p$row, , drop = FALSE], at, varying, p$start, p$stop)
  p <- cbind(p, M, d[p$row, unique(c(strata, cluster)), drop = FALSE])
  p$w <- if (is.null(weights)) 1 else ev(weights, d)[p$row]
  rhs <- c(colnames(M), if (!is.null(strata)) sprintf("strata(%s)", paste(strata, collapse = ", ")))
  call <- function(rhs) sprintf("coxph(Surv(start, stop, e) ~ %s, data = p, weights = w, ties = '%s', control = CONTROL, %s)", paste(rhs, collapse = " + "), ties,
    if (is.null(cluster)) "robust = FALSE" else sprintf("cluster = %s", cluster))
  assign("p", p, globalenv())
  f <- eval(parse(text = call(rhs)), globalenv())
  X0 <- X[p$row, , drop = FALSE]; colnames(X0) <- paste0("x", seq_len(ncol(X0))); assign("p", cbind(p, X0), globalenv())
  f0 <- eval(parse(text = call(c(colnames(X0), rhs[-seq_len(ncol(M))]))), globalenv())
  v <- list(coef = V(coef(f)), var = mat(unname(f$var)), loglik = V(f$loglik), wald_test = f$wald.test, constant_loglik = f0$loglik[2])
  if (is.null(cluster)) { a <- anova(f0, f); v$anova <- list(chisq = a$Chisq[2], df = a$Df[2]) }
  if (!is.null(tt_formula)) {                # the same model by tt()
    assign("d", d, globalenv()); environment(tt_formula) <- globalenv()
    tt <- eval(bquote(coxph(.(tt_formula), data = d, ties = .(ties), tt = .(tt_function), control = CONTROL)), globalenv())
    stopifnot(isTRUE(all.equal(tt$loglik, f$loglik, tolerance = 1e-10)), isTRUE(all.equal(sort(unname(coef(tt))), sort(unname(coef(f))), tolerance = 1e-7)))
  }
  if (!is.null(new)) {
    nd <- as.data.frame(new); for (n in intersect(names(nd), names(d))) if (is.factor(d[[n]])) nd[[n]] <- factor(nd[[n]], levels = levels(d[[n]]))
    v$survival <- lapply(seq_len(nrow(nd)), function(i) {
      edges <- c(0, cuts[cuts < max(s$t1)], max(s$t1)); k <- length(edges)
      x <- do.call(cbind, lapply(terms, function(t) model.matrix(as.formula(paste("~", t)), rbind(nd[i, , drop = FALSE], d[names(nd)]))[1, -1, drop = FALSE]))
      path <- data.frame(start = edges[-k], stop = edges[-1], e = 0, id = 1)
      path <- cbind(path, columns_of(x[rep(1, k - 1), , drop = FALSE], at, varying, path$start, path$stop), nd[rep(i, k - 1), strata, drop = FALSE], w = 1)
      sf <- survfit(f, newdata = path, id = id, se.fit = FALSE)
      j <- findInterval(times, sf$time) + 1
      V(c(1, sf$surv)[j])                    # its standard error takes the present covariates to have held from time 0
    })
  }
  case(id, dataset, description, call(rhs), o, v)
}
SMALL <- c(30, 90, 180, 365)
karno <- list(karno = c(40, 80), celltype = c("squamous", "large"))
for (g in names(FUNCTIONS)) tv(paste0("tv_veteran_", gsub("[^a-z0-9]+", "_", g)), "veteran", paste("karno * g(t), g:", g), "time", "status == 1", c("karno", "celltype"),
  list(karno = g), new = karno, times = SMALL, tt_formula = Surv(time, status == 1) ~ karno + celltype + tt(karno), tt_function = eval(bquote(function(x, t, ...) x * .(FUNCTIONS[[g]])(t))))
for (t in c("efron", "breslow")) {
  tv(paste0("tv_veteran_steps_", t), "veteran", "steps; 90 and 180 are not, 100 is an event time", "time", "status == 1", c("celltype", "karno", "trt"), list(karno = c(90, 100, 180)), ties = t,
     new = list(celltype = c("smallcell", "adeno"), karno = c(60, 30), trt = c(1, 2)), times = SMALL)
  tv(paste0("tv_mgus2_ties_", t), "mgus2", "many ties", "futime", "death == 1", c("age", "sex"), list(age = "identity"), ties = t, new = list(age = c(50, 80), sex = c("F", "M")), times = c(12, 60, 240),
     tt_formula = Surv(futime, death) ~ age + sex + tt(age), tt_function = function(x, t, ...) x * t)
}
tv("tv_veteran_factor", "veteran", "a factor in steps beside a function of time", "time", "status == 1", c("celltype", "karno"), list(celltype = 60, karno = "sqrt"), new = karno, times = SMALL)
tv("tv_lung_strata_weights", "lung", "steps in strata, whole weights", "time", "status == 2", c("age", "ph.ecog"), list(age = c(200, 400)), strata = "sex", weights = "inst",
   dropna = c("ph.ecog", "inst"), new = list(age = c(50, 70), ph.ecog = c(0, 2), sex = c(1, 2)), times = SMALL)
tv("tv_lung_strata_log", "lung", "a function of time in strata", "time", "status == 2", c("age", "ph.ecog"), list("ph.ecog" = "log"), strata = "sex", dropna = "ph.ecog",
   new = list(age = c(50, 70), ph.ecog = c(0, 2), sex = c(1, 2)), times = SMALL, tt_formula = Surv(time, status == 2) ~ age + ph.ecog + tt(ph.ecog) + strata(sex), tt_function = function(x, t, ...) x * log(t))
tv("tv_channing_entry_steps", "kmsurv_channing", "delayed entry", "age", "death == 1", "gender", list(gender = c(900, 1000)), entry = "ageentry", subset = "age > ageentry")
tv("tv_channing_entry_log", "kmsurv_channing", "delayed entry and a function of time", "age", "death == 1", "gender", list(gender = "log"), entry = "ageentry", subset = "age > ageentry",
   tt_formula = Surv(ageentry, age, death) ~ gender + tt(gender), tt_function = function(x, t, ...) x * log(t))
tv("tv_heart_id", "heart", "start-stop rows of patients", "stop", "event == 1", c("age", "transplant"), list(transplant = c(30, 100), age = "log1p"), entry = "start")
tv("tv_retinopathy_cluster", "retinopathy", "pairs of eyes", "futime", "status == 1", c("trt", "risk"), list(trt = 12), cluster = "id")
tv("tv_retinopathy_cluster_log", "retinopathy", "pairs of eyes and a function of time", "futime", "status == 1", c("trt", "risk"), list(trt = "log"), cluster = "id")
write_cases("time_varying")
