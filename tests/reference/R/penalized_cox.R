# The elastic net of Cox's model along given penalties, and its cross-validation, by glmnet.
source("common.R"); suppressMessages(library(glmnet))
d <- ld("pbc"); d <- d[complete.cases(d[c("chol", "platelet", "copper", "ast", "protime")]), ]
d$died <- as.numeric(d$status == 2); d$year <- ceiling(d$time / 365.25)                   # many ties
columns <- c("age", "edema", "bili", "chol", "albumin", "copper", "ast", "platelet", "protime")
x <- as.matrix(d[columns]); y <- cbind(time = d$year, status = d$died)
path <- function(id, dataset, description, x, y, ...) {
  o <- list(...)
  f <- do.call(glmnet, c(list(x = x, y = y, family = "cox", thresh = 1e-16, maxit = 1e8), o))
  keep <- unique(round(seq(1, length(f$lambda), length.out = 8)))
  case(id, dataset, description, "glmnet(thresh = 1e-16)", o,
       list(first = f$lambda[1:2], lambda = V(f$lambda[keep]), coef = lapply(keep, function(k) V(as.vector(f$beta[, k]))),
            deviance_ratio = V(f$dev.ratio[keep]), null_deviance = f$nulldev))
}
path("lasso", "pbc", "lasso", x, y, alpha = 1)
path("elastic_net", "pbc", "elastic net", x, y, alpha = 0.5)
path("ridge", "pbc", "ridge", x, y, alpha = 0)
path("raw", "pbc", "covariates not standardised", x, y, alpha = 1, standardize = FALSE)
path("factors", "pbc", "one column without a penalty, one with twice as much", x, y, alpha = 0.7, penalty.factor = c(0, 2, rep(1, 7)))
fold <- rep(1:5, length.out = nrow(x))
lambda <- 0.4 * 0.6^(0:9)
f <- cv.glmnet(x, y, family = "cox", lambda = lambda, foldid = fold, thresh = 1e-16, maxit = 1e8)
case("cross_validation", "pbc", "cv.glmnet(grouped = TRUE)", "cv.glmnet()", list(lambda = V(lambda), folds = 5),
     list(deviance = V(f$cvm), std_error = V(f$cvsd), lambda_min = f$lambda.min, lambda_1se = f$lambda.1se))
v <- ld("veteran")[1:60, ]
wide <- outer(1:60, 1:150, function(i, j) sin(0.37 * i * j + j)); wide[, 1] <- wide[, 1] + v$karno / 50
path("wide", "veteran", "150 covariates of 60 patients", wide, cbind(time = v$time, status = v$status), alpha = 0.8, lambda = 0.25 * 0.8^(0:9))
write_cases("penalized_cox")
