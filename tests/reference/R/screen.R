# Cox models of one feature after the other, alone, adjusted and stratified; adjusted p-values; rank tests and tables.
source("common.R")
d <- ld("veteran"); n <- nrow(d)
set.seed(20)
features <- lapply(1:50, function(j) round(rnorm(n) + 0.004 * j * d$karno * (j %% 2), 3))
for (j in 31:40) features[[j]] <- round(features[[j]])                       # few values
for (j in 41:46) features[[j]][sample(n, 5 * (j - 40))] <- NA                # missing
features[[47]] <- rep(2.5, n)                                                # the same for all
features[[48]] <- rank(-d$time, ties.method = "min") + 0                     # orders the events: infinite estimate
features[[49]] <- as.numeric(seq_len(n) == which(d$status == 0)[1])          # one patient, censored: minus infinity
features[[50]] <- d$age * 10 + 5e5                                             # far from zero
ctl <- coxph.control(eps = 1e-14, iter.max = 60)
one <- function(x, rhs, ties) {
  s <- d; s$x <- x; s <- s[!is.na(s$x), ]
  m <- suppressWarnings(coxph(as.formula(paste("Surv(time, status) ~ x", rhs)), data = s, ties = ties, control = ctl))
  # the score and likelihood-ratio tests of the feature given the others: beside the model without it
  null <- if (grepl("age", rhs)) coxph(as.formula(paste("Surv(time, status) ~ 1", rhs)), data = s, ties = ties, control = ctl) else NULL
  lr <- if (is.null(null)) 2 * diff(m$loglik) else 2 * (m$loglik[2] - null$loglik[2])
  score <- if (is.null(null)) m$score else {
    at <- c(0, coef(null))
    coxph(as.formula(paste("Surv(time, status) ~ x", rhs)), data = s, ties = ties, init = at, control = coxph.control(iter.max = 0))$score
  }
  list(n = m$n, n_event = m$nevent, coef = unname(coef(m)[1]), se = sqrt(unname(vcov(m)[1, 1])), lr = lr, score = score)
}
screened <- function(id, description, rhs, ties) {
  found <- lapply(features, one, rhs = rhs, ties = ties)
  column <- function(name) V(vapply(found, function(f) as.numeric(f[[name]]), 0))
  case(id, "veteran", description, "coxph() of each", list(rhs = rhs, ties = ties),
       list(n = column("n"), n_event = column("n_event"), coef = column("coef"), se = column("se"), lr = column("lr"), score = column("score")))
}
case("features", "veteran", "what the models are of: 50 numbers of each patient", "rnorm()", list(n_features = 50), list(features = lapply(features, V)))
screened("cox", "one feature in each model", "", "efron")
screened("cox_breslow", "Breslow's ties", "", "breslow")
screened("cox_adjusted", "given age and prior therapy", "+ age + prior", "efron")
screened("cox_stratified", "given age and prior therapy, in strata of cell type", "+ age + prior + strata(celltype)", "efron")

p <- c(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1, NA, 0.0459)
case("p_adjust", NA, "p.adjust()", "p.adjust()", list(p = V(p)),
     list(bh = V(p.adjust(p, "BH")), by = V(p.adjust(p, "BY")), holm = V(p.adjust(p, "holm")), bonferroni = V(p.adjust(p, "bonferroni"))))
# Storey's share of true null hypotheses, as qvalue::pi0est(pi0.method = "bootstrap") and qvalue::qvalue compute it
many <- round(c(runif(700), rbeta(300, 0.2, 4)), 6)
m <- length(many); lambda <- seq(0.05, 0.95, 0.05)
pi0 <- sapply(lambda, function(l) mean(many >= l) / (1 - l))
W <- sapply(lambda, function(l) sum(many >= l))
mse <- (W / (m^2 * (1 - lambda)^2)) * (1 - W / m) + (pi0 - quantile(pi0, prob = 0.1))^2
share <- min(pi0[mse == min(mse)], 1)
i <- m:1; o <- order(many, decreasing = TRUE); ro <- order(o)
case("storey", NA, "q-values of 1000 tests", "the formulas of qvalue", list(p = V(many)),
     list(share = share, q = V(share * pmin(1, cummin(many[o] * m / i))[ro])))

numbers <- c("karno", "age", "diagtime")
case("wilcoxon", "veteran", "wilcox.test(exact = FALSE, correct = FALSE)", "wilcox.test()", list(features = I(numbers), response = "trt"),
     list(p = V(sapply(numbers, function(f) wilcox.test(d[[f]] ~ d$trt, exact = FALSE, correct = FALSE)$p.value)),
          estimate = V(sapply(numbers, function(f) unname(wilcox.test(d[[f]][d$trt == 2], d[[f]][d$trt == 1], exact = FALSE)$statistic) / prod(table(d$trt))))))
k <- lapply(numbers, function(f) kruskal.test(d[[f]], d$celltype))
case("kruskal", "veteran", "kruskal.test()", "kruskal.test()", list(features = I(numbers), response = "celltype"),
     list(p = V(sapply(k, `[[`, "p.value")), statistic = V(sapply(k, function(x) unname(x$statistic))), df = V(sapply(k, function(x) unname(x$parameter)))))
s <- lapply(c("karno", "diagtime"), function(f) cor.test(d[[f]], d$age, method = "spearman", exact = FALSE))
case("spearman", "veteran", "cor.test(method = 'spearman', exact = FALSE)", "cor.test()", list(features = I(c("karno", "diagtime")), response = "age"),
     list(p = V(sapply(s, `[[`, "p.value")), estimate = V(sapply(s, function(x) unname(x$estimate)))))
f <- fisher.test(table(d$prior, d$trt)); x <- suppressWarnings(chisq.test(table(d$celltype, d$trt), correct = FALSE))
case("tables", "veteran", "fisher.test(), chisq.test()", "fisher.test()", list(features = I(c("prior", "celltype")), response = "trt"),
     list(fisher = f$p.value, odds_ratio = unname(f$estimate), chi_squared = unname(x$statistic), p = x$p.value))
write_cases("screen")
