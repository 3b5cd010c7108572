# Case-cohort samples by survival's cch(). With strata of the baseline hazard, which cch() does not take, its fits are done again with
# strata(): the same function must then give cch()'s numbers where there is one stratum.
source("common.R")
steps <- function(method, tenter, texit, cens, sub, id, X, S, ntot) {
  case <- cens == 1; nd <- sum(case); nc <- sum(sub); ncd <- sum(case & sub)
  if (method == "LinYing") {
    off <- ifelse(case, 0, log((ntot - nd) / (nc - ncd)))
    f <- coxph(Surv(tenter, texit, cens) ~ X + offset(off) + strata(S), cluster = id, timefix = FALSE, control = CONTROL)
    db <- as.matrix(resid(f, type = "dfbeta"))[!case, , drop = FALSE]
    return(list(coef = coef(f), var = f$naive.var + (1 - (nc - ncd) / (ntot - nd)) * crossprod(sweep(db, 2, colMeans(db)))))
  }
  both <- c(which(case), which(sub == 1)); gp <- rep(1:0, c(nd, nc)); off <- -100 * gp
  f <- coxph(Surv(tenter[both], texit[both], gp) ~ X[both, ] + offset(off) + strata(S[both]), cluster = id[both], timefix = FALSE, control = CONTROL)
  db <- as.matrix(resid(f, type = "dfbeta"))[gp == 0, , drop = FALSE]
  var <- f$naive.var + (1 - nc / ntot) * crossprod(db)
  if (method == "Prentice") {
    late <- ifelse(sub == 0, texit - 0.25, tenter)
    f <- coxph(Surv(late, texit, cens) ~ X + strata(S), timefix = FALSE, control = CONTROL)
  }
  list(coef = coef(f), var = var)
}
CONTROL <- coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50)
cc <- function(id, description, method, terms, subset = NULL, among = NULL, entry = NULL, strata = NULL, cohort_size) {
  o <- list(time = "edrel", event = "rel == 1", entry = entry, strata = if (!is.null(strata)) I(strata), terms = I(terms), subcohort = "in.subcohort", among = among, method = method, cohort_size = cohort_size, subset = subset)
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep("nwtco", o)
  d$sub <- as.numeric(d$in.subcohort == "true" & (if (is.null(among)) TRUE else ev(among, d))); d <- d[d$sub == 1 | d$rel == 1, ]; d$start <- if (is.null(entry)) 0 else ev(entry, d)
  X <- model.matrix(as.formula(paste("~", paste(terms, collapse = "+"))), d)[, -1, drop = FALSE]
  own <- steps(method, d$start, d$edrel, d$rel, d$sub, d$seqno, X, if (is.null(strata)) rep(1, nrow(d)) else interaction(d[strata]), cohort_size)
  if (is.null(strata)) {
    lhs <- if (is.null(entry)) "Surv(edrel, rel)" else "Surv(start, edrel, rel)"
    f <- cch(as.formula(paste(lhs, "~", paste(terms, collapse = "+"))), data = d, subcoh = ~sub, id = ~seqno, cohort.size = cohort_size, method = method)
    stopifnot(isTRUE(all.equal(unname(coef(f)), unname(own$coef), tolerance = 1e-8)), isTRUE(all.equal(unname(f$var), unname(own$var), tolerance = 1e-6)))
  }
  # cch() stops at coxph()'s default tolerance, the steps above at 1e-12
  case(id, "nwtco", description, sprintf("cch(method = '%s')", method), o, list(coef = V(own$coef), var = mat(unname(own$var)), n = nrow(d), nevent = sum(d$rel), n_subcohort = sum(d$sub)))
}
FULL <- c("factor(stage)", "factor(histol)", "age")
for (m in c("Prentice", "SelfPrentice", "LinYing")) {
  k <- tolower(m)
  cc(paste0("cc_nwtco_", k), "the example of cch()", m, FULL, cohort_size = 4028)
  cc(paste0("cc_stage_", k), "a subset of the cohort", m, c("factor(histol)", "age"), subset = "stage >= 3", cohort_size = sum(ld("nwtco")$stage >= 3))
  cc(paste0("cc_entry_", k), "delayed entry", m, FULL, subset = "edrel > age", entry = "age", cohort_size = sum(ld("nwtco")$edrel > ld("nwtco")$age))
  cc(paste0("cc_strata_", k), "baseline hazards by study", m, FULL, strata = "study", cohort_size = 4028)
  cc(paste0("cc_small_", k), "a small subcohort", m, c("factor(histol)", "age"), among = "(instit == 1) & (study == 3) & (stage <= 2)", cohort_size = 4028)
}
write_cases("case_cohort")
