# Points and risks of a nomogram, by rms.
source("common.R"); suppressMessages(library(rms))
d <- ld("mgus2"); d <- d[complete.cases(d[c("age", "sex", "hgb", "creat")]), ]
dd <- datadist(d); options(datadist = "dd")
f <- cph(Surv(futime, death) ~ age + sex + rcs(hgb, quantile(d$hgb, c(.1, .5, .9))) + creat, data = d, method = "efron", surv = TRUE, x = TRUE, y = TRUE, eps = 1e-12)
values <- list(age = seq(40, 90, 10), hgb = seq(6, 16, 2), creat = c(1, 2, 4))
n <- nomogram(f, age = values$age, hgb = values$hgb, creat = values$creat, lp = FALSE)
u <- coxph(Surv(futime, death) ~ age + sex + rcs(hgb, quantile(d$hgb, c(.1, .5, .9))) + creat, data = d, ties = "efron")
new <- data.frame(age = c(50, 80), sex = c("F", "M"), hgb = c(14, 8), creat = c(1, 4))
s <- summary(survfit(u, newdata = new), times = c(60, 120))$surv
case("nomogram", "mgus2", "points of a nomogram", "rms::nomogram()", list(values = lapply(values, V), knots = V(quantile(d$hgb, c(.1, .5, .9)))),
     list(age = V(n$age$points), sex = V(n$sex$points), hgb = V(n$hgb$points), creat = V(n$creat$points), risk = V(as.vector(1 - s)), times = c(60, 120)))
write_cases("points")
