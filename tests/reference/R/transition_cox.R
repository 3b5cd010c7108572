# Cox models of the moves of an illness-death process, by coxph() on rows of stays and possible moves that are made here by hand:
# shared effects, proportional baselines, effects on some moves, clock reset, clusters, weights, strata; tests of proportional
# hazards; cumulative hazards of a patient. Columns stand term by term, in each by move, in each by level.
source("common.R")
CONTROL <- coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50)
rows <- function() {
  d <- ld("ebmt3"); d$w <- 1 + (d$id %% 3); d$centre <- d$id %% 40
  ends <- pmin(ifelse(d$prstat == 1, d$prtime, d$rfstime), d$rfstime)
  a <- transform(d, move = 1, start = 0, stop = ends, event = d$prstat == 1)
  b <- transform(d, move = 2, start = 0, stop = ends, event = d$prstat == 0 & d$rfsstat == 1)
  c <- transform(d[d$prstat == 1, ], move = 3, start = prtime, stop = rfstime, event = rfsstat == 1); c <- c[c$start < c$stop, ]
  z <- rbind(a, b, c); z$late <- ifelse(z$move == 3, z$prtime / 10, 0); z
}
tc <- function(id, description, blocks, baseline = c(1, 2, 3), clock = "forward", ties = "breslow", weights = NULL, cluster = NULL, strata = NULL, options, patient = NULL) {
  z <- rows(); x <- list(); terms <- list()
  for (b in blocks) {
    m <- model.matrix(as.formula(paste("~", b$term)), z)[, -1, drop = FALSE] * (z$move %in% b$moves)
    for (j in seq_len(ncol(m))) { x[[length(x) + 1]] <- m[, j]; terms[[length(terms) + 1]] <- paste(b$term, paste(b$moves, collapse = "")) }
  }
  for (k in seq_along(baseline)) if (baseline[k] != k) { x[[length(x) + 1]] <- as.numeric(z$move == k); terms[[length(terms) + 1]] <- paste("ratio", k) }
  names(x) <- paste0("x", seq_along(x)); z <- cbind(z, x); z$s <- baseline[z$move]
  if (clock == "reset") { z$stop <- z$stop - z$start; z$start <- 0 }
  z$own_weight <- if (is.null(weights)) 1 else z[[weights]]
  terms <- factor(unlist(terms), levels = unique(unlist(terms)))
  rhs <- paste(c(vapply(levels(terms), function(t) { n <- names(x)[terms == t]; if (length(n) == 1) n else sprintf("cbind(%s)", paste(n, collapse = ", ")) }, ""), sprintf("strata(s%s)", if (is.null(strata)) "" else paste(",", strata))), collapse = " + ")
  z <<- z; group <<- if (is.null(cluster)) NULL else z[[cluster]]
  f <- if (is.null(cluster)) coxph(fml("Surv(start, stop, event)", rhs), z, ties = ties, weights = own_weight, control = CONTROL, robust = FALSE)
       else coxph(fml("Surv(start, stop, event)", rhs), z, ties = ties, weights = own_weight, control = CONTROL, cluster = group)
  v <- list(coef = V(coef(f)), var = mat(unname(vcov(f))), loglik = V(f$loglik), nevent = sum(z$event))
  if (is.null(cluster) && is.null(weights)) { t <- cox.zph(f, transform = "km")$table; v$zph <- list(chisq = V(t[, 1]), df = V(t[, 2])) }
  if (!is.null(patient)) {
    times <- c(50, 200, 1000)
    one <- transform(z[rep(1, 3), ], move = 1:3, late = 0); for (n in names(patient)) one[[n]] <- if (is.factor(z[[n]])) factor(patient[[n]], levels = levels(z[[n]])) else patient[[n]]
    y <- list()
    for (b in blocks) { m <- model.matrix(as.formula(paste("~", b$term)), one)[, -1, drop = FALSE] * (one$move %in% b$moves); for (j in seq_len(ncol(m))) y[[length(y) + 1]] <- m[, j] }
    for (k in seq_along(baseline)) if (baseline[k] != k) y[[length(y) + 1]] <- as.numeric(one$move == k)
    names(y) <- names(x); one[names(y)] <- y; one$s <- baseline[one$move]
    v$times <- V(times)
    v$hazards <- lapply(1:3, function(k) { s <- summary(survfit(f, newdata = one[k, ]), times = times, extend = TRUE); list(cumhaz = V(s$cumhaz), std_error = V(s$std.chaz)) })
  }
  o <- c(list(clock = clock, ties = ties, weights = weights, cluster = cluster, strata = strata), options); o$patient <- patient
  case(id, "ebmt3", description, "coxph(Surv(start, stop, event) ~ ... + strata(move)); cox.zph(); survfit(newdata = )", o[!vapply(o, is.null, TRUE)], v)
}
B <- function(term, ...) list(term = term, moves = c(...))
each <- function(term) lapply(1:3, function(k) B(term, k))
AML <- list(dissub = "CML", age = ">40")
tc("tc_shared", "one effect of the disease on all moves", c(list(B("dissub", 1, 2, 3)), each("age")), options = list(covariates = "dissub + age", shared = I("dissub")), patient = AML)
tc("tc_partly_shared", "one effect on the two moves to relapse or death", c(each("dissub"), list(B("age", 1), B("age", 2, 3))), options = list(covariates = "dissub + age", shared = list(age = list(I(2), I(3)))), patient = AML)
tc("tc_proportional", "proportional baselines of the two moves to relapse or death", c(each("dissub"), each("age")), baseline = c(1, 2, 2), options = list(covariates = "dissub + age", proportional = I(c(2, 3))), patient = AML)
tc("tc_reset_proportional", "the same with the clock reset", c(each("dissub"), each("age")), baseline = c(1, 2, 2), clock = "reset", options = list(covariates = "dissub + age", proportional = I(c(2, 3))), patient = AML)
tc("tc_only", "the time of recovery acts after recovery", c(each("age"), list(B("late", 3))), options = list(covariates = "age + late", only = list(late = I(3))))
tc("tc_efron", "Efron ties", each("age"), ties = "efron", options = list(covariates = "age"), patient = AML)
tc("tc_cluster", "robust variance by centre", c(each("dissub"), each("age")), cluster = "centre", options = list(covariates = "dissub + age"))
tc("tc_patients", "robust variance by patient", c(each("dissub"), each("age")), cluster = "id", options = list(covariates = "dissub + age"))
tc("tc_weights", "case weights", each("age"), weights = "w", options = list(covariates = "age"))
tc("tc_strata", "baselines by T-cell depletion too", c(each("dissub"), each("age")), strata = "tcd", options = list(covariates = "dissub + age"), patient = c(AML, list(tcd = "TCD")))
write_cases("transition_cox")
