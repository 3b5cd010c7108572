# Conditional logistic regression: sets with one and with several cases, the three methods, weights, clusters, offsets.
source("common.R")
matched <- function(id, dataset, description, case, terms, strata, method = "exact", cluster = NULL, weights = NULL, offset = NULL, subset = NULL, dropna = NULL) {
  o <- list(case = case, terms = I(terms), strata = strata, method = method, cluster = cluster, weights = weights, offset = offset, subset = subset, dropna = dropna)
  o <- o[!vapply(o, is.null, TRUE)]
  d <<- prep(dataset, o)
  rhs <- c(terms, sprintf("strata(%s)", strata), if (!is.null(cluster)) sprintf("cluster(%s)", cluster), if (!is.null(offset)) sprintf("offset(%s)", offset))
  w <- if (is.null(weights)) "" else sprintf(", weights = %s", weights)
  call <- sprintf("clogit(%s ~ %s, data = d%s, method = '%s', control = coxph.control(eps = 1e-12, iter.max = 50))", case, paste(rhs, collapse = " + "), w, method)
  f <- eval(parse(text = call), globalenv())
  informative <- tapply(ev(case, d), ev(strata, d), function(y) any(y == 1) && any(y == 0))
  case(id, dataset, description, call, o, list(coef = NL(coef(f)), var = mat(f$var), naive_var = if (!is.null(f$naive.var)) mat(f$naive.var), loglik = V(f$loglik),
    lr_test = 2 * diff(f$loglik), wald_test = unname(f$wald.test), score_test = unname(f$score), n_sets = sum(informative), n_sets_left_out = sum(!informative)))
}
matched("clogit_infert_pairs", "infert", "one case and one or two controls in each set", "case", c("spontaneous", "induced"), "stratum")
for (m in c("exact", "efron", "breslow")) {
  matched(paste0("clogit_infert_", m), "infert", paste("several cases in a set,", m), "case", c("spontaneous", "induced"), "pooled.stratum", m)
  matched(paste0("clogit_infert_parity_", m), "infert", paste("few large sets,", m), "case", c("spontaneous", "induced", "education", "age"), "parity", m)
}
matched("clogit_infert_offset", "infert", "several cases in a set, offset", "case", c("spontaneous", "induced"), "pooled.stratum", offset = "0.05 * age * induced")
matched("clogit_infert_weights", "infert", "whole case weights", "case", c("spontaneous", "induced"), "pooled.stratum", "efron", weights = "parity")
matched("clogit_infert_weights_cluster", "infert", "weights, clusters of several sets", "case", c("spontaneous", "induced"), "pooled.stratum", "efron", weights = "age / 30", cluster = "education")
matched("clogit_infert_cluster", "infert", "clusters that cut through sets", "case", c("spontaneous", "induced"), "pooled.stratum", "breslow", cluster = "stratum")
matched("clogit_bdendo", "bdendo", "1:4 matched", "d", c("gall", "hyp", "est"), "set")
matched("clogit_bdendo_cluster", "bdendo", "robust, a set is a cluster", "d", c("gall", "hyp", "est"), "set", "breslow", cluster = "set")
matched("clogit_bdendo_missing", "bdendo", "missing values dropped, sets lose their case", "d", c("gall", "ob", "duration"), "set", dropna = c("ob", "duration"))
matched("clogit_infert_interaction", "infert", "interaction with a matching variable", "case", c("spontaneous", "spontaneous:education"), "stratum")
write_cases("clogit")
