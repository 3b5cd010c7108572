# Calibration, net benefit, thresholds, reclassification and DeLong's test of predictions of a binary outcome (pred_nhefs, asah), and
# net benefit at three years in gbsg, of a Cox model fitted there. export_data.R says how the predictions came about.
source("common.R")
suppressMessages({library(pROC); library(rms); library(dcurves)})
roc_of <- function(y, x) roc(y, x, quiet = TRUE, direction = "<")
calib <- function(y, p) {
  lp <- qlogis(p); s <- glm(y ~ lp, binomial); i <- glm(y ~ offset(lp), binomial); v <- val.prob(p, y, pl = FALSE)
  g <- cut(p, quantile(p, 0:10/10), include.lowest = TRUE); o <- tapply(y, g, sum); n <- tapply(y, g, length); ep <- tapply(p, g, sum)
  r <- roc_of(y, p); ci <- ci.auc(r, method = "delong")
  list(n = length(y), events = sum(y), slope = unname(coef(s)[2]), slope_se = sqrt(vcov(s)[2, 2]), intercept_of_slope_model = unname(coef(s)[1]),
    citl = unname(coef(i)[1]), citl_se = sqrt(vcov(i)[1, 1]), oe_ratio = sum(y)/sum(p), brier = mean((y - p)^2), scaled_brier = 1 - mean((y - p)^2)/(mean(y)*(1 - mean(y))),
    log_loss = -mean(y*log(p) + (1 - y)*log(1 - p)), hosmer_lemeshow10 = sum((o - ep)^2/(ep*(1 - ep/n))), auc = as.numeric(r$auc),
    auc_delong_var = var(r, method = "delong"), auc_delong_ci = V(as.numeric(ci)[c(1, 3)]), val_prob = as.list(unclass(v)))
}
two_areas <- function(y, a, b) { A <- roc_of(y, a); B <- roc_of(y, b); t <- roc.test(A, B, method = "delong", paired = TRUE); list(auc1 = as.numeric(A$auc), auc2 = as.numeric(B$auc), z = unname(t$statistic), p = t$p.value, ci_diff = V(t$conf.int), cov = cov(A, B, method = "delong")) }
benefit <- function(f, d, th, ...) { x <- suppressMessages(dca(f, data = d, thresholds = th, ...)$dca); lapply(split(x, x$variable), function(z) list(threshold = V(z$threshold), net_benefit = V(z$net_benefit), tp_rate = V(z$tp_rate), fp_rate = V(z$fp_rate))) }
cells <- function(y, p, ts) setNames(lapply(ts, function(t) { k <- p >= t; tp <- sum(k & y == 1); fp <- sum(k & y == 0); fn <- sum(!k & y == 1); tn <- sum(!k & y == 0); list(tp = tp, fp = fp, fn = fn, tn = tn, sens = tp/(tp + fn), spec = tn/(tn + fp), ppv = tp/(tp + fp), npv = tn/(tn + fn), net_benefit = (tp - fp*t/(1 - t))/length(y), f1 = 2*tp/(2*tp + fp + fn), mcc = (tp*tn - fp*fn)/sqrt((tp + fp)*1.0*(tp + fn)*(tn + fp)*(tn + fn))) }), paste0("t", ts))
moves <- function(y, p1, p2) { d <- p2 - p1; e <- mean(d[y == 1] > 0) - mean(d[y == 1] < 0); n <- mean(d[y == 0] < 0) - mean(d[y == 0] > 0); list(nri_event = e, nri_nonevent = n, nri_cont = e + n, idi = mean(d[y == 1]) - mean(d[y == 0]), idi_se = sqrt(var(d[y == 1])/sum(y == 1) + var(d[y == 0])/sum(y == 0)), discrimination_slope_1 = mean(p1[y == 1]) - mean(p1[y == 0]), discrimination_slope_2 = mean(p2[y == 1]) - mean(p2[y == 0])) }
none <- setNames(list(), character())
d <- ld("pred_nhefs")
for (k in c("p1", "p2")) case(paste0("calibration_nhefs_", k), "pred_nhefs", "logistic recalibration, O/E, Hosmer-Lemeshow, DeLong, val.prob", "val.prob, pROC", list(column = k), calib(d$y, d[[k]]))
case("roc_delong_nhefs", "pred_nhefs", "paired DeLong test", "roc.test(method = 'delong')", none, two_areas(d$y, d$p1, d$p2))
case("dca_nhefs", "pred_nhefs", "net benefit", "dca(y ~ p1 + p2, thresholds = seq(.05, .6, .05))", none, benefit(y ~ p1 + p2, d, seq(.05, .6, .05)))
case("thresholds_nhefs", "pred_nhefs", "positive if p >= t", "closed form", none, cells(d$y, d$p2, c(.1, .2, .3, .5)))
case("nri_idi_nhefs", "pred_nhefs", "continuous NRI and IDI, p1 to p2", "closed form", none, moves(d$y, d$p1, d$p2))
a <- ld("asah"); y <- as.integer(a$outcome == "Poor")
case("roc_asah_s100b", "asah", "markers with ties", "roc.test(method = 'delong')", none, two_areas(y, a$s100b, a$ndka))
r <- roc_of(y, a$wfns)
case("roc_curve_asah_wfns", "asah", "an ordinal marker", "roc(outcome, wfns)", none, list(thresholds = I(ifelse(is.finite(r$thresholds), r$thresholds, NA)), sens = V(r$sensitivities), spec = V(r$specificities), auc = as.numeric(r$auc), youden_best = V(unlist(coords(r, "best", best.method = "youden", ret = c("threshold", "sensitivity", "specificity"))[1, ]))))
g <- ld("gbsg"); g$t <- g$rfstime/365.25; cx <- coxph(Surv(t, status) ~ age + log(nodes) + grade + pgr, g, ties = "breslow")
g$risk3 <- as.numeric(1 - summary(survfit(cx, g), times = 3)$surv)
case("dca_surv_gbsg", "gbsg", "net benefit at 3 years", "dca(Surv(t, status) ~ risk3, time = 3, thresholds = seq(.1, .8, .1))", list(time = 3), benefit(Surv(t, status) ~ risk3, g, seq(.1, .8, .1), time = 3))
G <- survfit(Surv(t, 1 - status) ~ 1, g); before <- c(1, G$surv)[findInterval(g$t, G$time, left.open = TRUE) + 1]; g3 <- c(1, G$surv)[findInterval(3, G$time) + 1]
case("ipcw_brier_gbsg", "gbsg", "Brier score at 3 years", "closed form", list(time = 3), list(brier = mean((g$t <= 3 & g$status == 1)*(1 - g$risk3)^2/before + (g$t > 3)*g$risk3^2/g3), G3 = g3, harrell_c = unname(concordance(Surv(t, status) ~ risk3, g, reverse = TRUE)$concordance), mean_pred = mean(g$risk3), km_risk3 = 1 - summary(survfit(Surv(t, status) ~ 1, g), times = 3)$surv))
write_cases("calibration_decision")
