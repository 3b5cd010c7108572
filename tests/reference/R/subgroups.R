# Effects of a treatment in subgroups: a Cox model in each level, and the test of the interaction (anova; Wald where robust).
source("common.R")
subgroups <- function(id, dataset, description, treatment, variables, time, event, covariates = NULL, entry = NULL, strata = NULL,
                      cluster = NULL, weights = NULL, ties = "efron", ...) {
  o <- list(treatment = treatment, subgroups = I(variables), covariates = covariates, time = time, event = event, entry = entry,
            strata = strata, cluster = cluster, weights = weights, ties = ties, ...)
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o)
  d$..t <- as.numeric(ev(time, d)); d$..e <- as.numeric(ev(event, d))
  d$..w <- if (is.null(weights)) 1 else ev(weights, d)
  d$..x <- as.numeric(factor(d[[treatment]])) - 1
  assign("d", d, globalenv()); assign("ties", ties, globalenv())
  lhs <- if (is.null(entry)) "Surv(..t, ..e)" else sprintf("Surv(%s, ..t, ..e)", entry)
  more <- paste0(c("", covariates, if (!is.null(strata)) sprintf("strata(%s)", strata)), collapse = " + ")
  if (is.null(covariates) && is.null(strata)) more <- ""
  fit <- function(rhs, rows) {
    assign("sub", d[rows, ], globalenv())
    call <- list(fml(lhs, paste0(rhs, more)), data = quote(sub), ties = ties, weights = quote(..w))
    if (!is.null(cluster)) call$cluster <- as.name(cluster)
    do.call(coxph, call)
  }
  row <- function(rows) { m <- fit("..x", rows)
    list(n = sum(rows), n_event = sum(d$..e[rows]), estimate = coef(m)[[1]], std_error = sqrt(vcov(m)[1, 1])) }
  whole <- row(rep(TRUE, nrow(d)))
  parts <- lapply(variables, function(v) {
    levels <- levels(factor(d[[v]]))
    d$..g <<- factor(d[[v]]); assign("d", d, globalenv())
    d$..g <- factor(d[[v]])
    main <- fit("..x + ..g", TRUE); both <- fit("..x * ..g", TRUE)
    p <- if (is.null(cluster)) {
      chi <- 2 * (both$loglik[2] - main$loglik[2]); pchisq(chi, length(levels) - 1, lower.tail = FALSE)
    } else {
      at <- grep(":", names(coef(both))); b <- coef(both)[at]
      pchisq(as.numeric(b %*% solve(vcov(both)[at, at, drop = FALSE], b)), length(at), lower.tail = FALSE)
    }
    check <- if (is.null(cluster)) anova(main, both)[2, ncol(anova(main, both))] else p
    stopifnot(abs(check - p) < 1e-10)
    list(variable = v, p_interaction = p, levels = lapply(levels, function(l) c(list(level = l), row(as.character(d[[v]]) == l))))
  })
  case(id, dataset, description, "coxph() in each level; anova()", o, list(overall = whole, subgroups = parts))
}
subgroups("veteran", "veteran", "two and four levels", "trt", c("prior", "celltype"), "time", "status == 1")
subgroups("veteran_adjusted", "veteran", "adjusted", "trt", "celltype", "time", "status == 1", covariates = "karno + age")
subgroups("veteran_breslow", "veteran", "Breslow's ties, strata", "trt", "prior", "time", "status == 1", strata = "celltype", ties = "breslow")
subgroups("veteran_robust", "veteran", "clusters: robust Wald test", "trt", c("prior", "celltype"), "time", "status == 1", cluster = "age")
subgroups("veteran_weights", "veteran", "case weights", "trt", "celltype", "time", "status == 1", weights = "prior / 10 + 1")
subgroups("myeloid", "myeloid", "text levels", "trt", "sex", "futime", "death == 1")
subgroups("channing", "kmsurv_channing", "delayed entry", "gender", "death_group", "age", "death == 1", entry = "ageentry", subset = "(age > ageentry) & (age > 800)", derive = list(death_group = "(ageentry > 900) + 0"))
write_cases("subgroups")
