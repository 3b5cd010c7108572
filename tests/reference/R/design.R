# Design matrices of model.matrix, with rms's and splines' bases. Run from this folder: Rscript design.R
suppressMessages({library(Hmisc); library(splines); library(jsonlite)})
set.seed(11)
n <- 120
d <- data.frame(
  age   = round(rnorm(n, 60, 12), 1),
  wbc   = round(rlnorm(n, 2, 1), 2),
  sex   = sample(c("F", "M"), n, TRUE),
  group = sample(c("A", "B", "C"), n, TRUE),
  flag  = sample(c(FALSE, TRUE), n, TRUE),
  stage = sample(c(1, 2, 10), n, TRUE),
  stringsAsFactors = FALSE)
new <- data.frame(age = c(20, 55.5, 99), wbc = c(0.01, 8, 500), sex = c("M", "F", "M"),
  group = c("C", "A", "B"), flag = c(TRUE, FALSE, TRUE), stage = c(10, 1, 2), stringsAsFactors = FALSE)

rcs <- function(x, df) rcspline.eval(x, nk = df + 1, inclx = TRUE)
knots3 <- attr(rcs(d$wbc, 3), "knots")
rcs_at <- function(x) rcspline.eval(x, knots = knots3, inclx = TRUE)
C_B <- function(x) relevel(factor(x, levels = c("A", "B", "C")), ref = "B")

# ours = R's
cases <- list(
  "age + sex" = ~ age + sex,
  "sex + age + flag" = ~ sex + age + flag,
  "age * group" = ~ age * group,
  "sex * group" = ~ sex * group,
  "age:sex" = ~ age:sex,
  "age + age:sex" = ~ age + age:sex,
  "sex + sex:group" = ~ sex + sex:group,
  "sex * group * flag" = ~ sex * group * flag,
  "(age + sex + group)**2" = ~ (age + sex + group)^2,
  "C(group, ref='B') + age" = ~ C_B(group) + age,
  "C(stage) + log(wbc) + I(age / 10)" = ~ factor(stage) + log(wbc) + I(age / 10),
  "log2(wbc) + log10(wbc) + sqrt(age) + exp(stage / 10) + I(age**2 - 3 * wbc)" =
    ~ log2(wbc) + log10(wbc) + sqrt(age) + exp(stage / 10) + I(age^2 - 3 * wbc),
  "rcs(wbc, df=3) + sex" = ~ rcs_at(wbc) + sex,
  "rcs(wbc, df=3):sex" = ~ rcs_at(wbc):sex,
  "rcs(wbc, df=3) * group" = ~ rcs_at(wbc) * group,
  "ns(age, df=3) * sex" = ~ ns(age, df = 3) * sex,
  "ns(log(wbc), df=2) + ns(age, df=1)" = ~ ns(log(wbc), df = 2) + ns(age, df = 1),
  "ns(age, knots=[50, 70], boundary=[40, 80])" = ~ ns(age, knots = c(50, 70), Boundary.knots = c(40, 80)),
  "ns(age, df=3, boundary=[45, 75])" = ~ ns(age, df = 3, Boundary.knots = c(45, 75)),
  "ns(age, df=2):rcs(wbc, df=3)" = ~ ns(age, df = 2):rcs_at(wbc))

columns <- function(m) {
  m <- m[, colnames(m) != "(Intercept)", drop = FALSE]
  lapply(seq_len(ncol(m)), function(j) as.numeric(m[, j]))
}
out <- lapply(names(cases), function(ours) {
  frame <- model.frame(cases[[ours]], d)
  tt <- terms(frame)
  levels <- .getXlevels(tt, frame)
  list(formula = ours, columns = columns(model.matrix(tt, frame)),
       new = columns(model.matrix(tt, model.frame(tt, new, xlev = levels))))
})
write(toJSON(list(
  versions = list(R = as.character(getRversion()), Hmisc = as.character(packageVersion("Hmisc"))),
  data = as.list(d), new = as.list(new), knots = knots3, cases = out), digits = NA, auto_unbox = TRUE),
  "../design.json")
