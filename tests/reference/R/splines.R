# Knots and bases of rms/Hmisc and splines. Run from this folder: Rscript splines.R
suppressMessages({library(Hmisc); library(splines); library(jsonlite)})
set.seed(20240131)

samples <- list(
  large    = round(rlnorm(250, 2, 0.8), 3),
  small    = round(rnorm(60, 50, 12), 2),
  tiny     = c(3, 1, 4, 1.5, 9, 2.6, 5, 3.5, 8, 9.7),
  at_zero  = c(rep(0, 30), round(rexp(170), 4)),
  at_both  = c(rep(0, 30), round(runif(140), 5), rep(1, 30)),
  at_top   = c(round(runif(60) * 40, 3), rep(41, 12)),
  at_zero_small = c(rep(0, 9), round(rexp(50), 4)),
  few      = rep(c(1, 2, 3, 4, 5, 6, 7), times = 12),
  integers = round(rnorm(400, 60, 9))
)

basis <- function(m) lapply(seq_len(nrow(m)), function(i) I(as.numeric(unname(m[i, ]))))
knots_of <- function(x, nk) suppressWarnings(tryCatch(
  as.numeric(rcspline.eval(x, nk = nk, knots.only = TRUE)), error = function(e) NULL))

harrell <- list()
for (name in names(samples)) for (nk in 3:8) {
  knots <- knots_of(samples[[name]], nk)
  if (length(knots) == nk)
    harrell[[length(harrell) + 1]] <- list(sample = name, n_knots = nk, knots = knots)
}

grid <- c(-20, -1, 0, 0.25, 1, 2.5, 3, 4.75, 6, 7.5, 9, 12, 40, 1000)
restricted <- lapply(list(c(1, 3, 5), c(0, 2.5, 6, 9), c(-3, 0.1, 0.2, 4, 9, 30, 31)), function(k)
  list(knots = k, basis = basis(rcspline.eval(grid, knots = k, inclx = TRUE))))

natural <- lapply(list(
    list(inner = numeric(0), boundary = c(0, 9)), list(inner = 4, boundary = c(0, 9)),
    list(inner = c(1, 2.5, 6), boundary = c(-1, 9)), list(inner = c(3, 3.1, 8, 11, 30), boundary = c(1, 1000))),
  function(s) {
    knots <- if (length(s$inner)) s$inner else NULL
    list(inner_knots = I(s$inner), boundary = s$boundary,
         basis = basis(ns(grid, knots = knots, Boundary.knots = s$boundary)))
  })

from_df <- list()
for (name in c("large", "small", "tiny", "integers")) for (df in 1:6) {
  b <- ns(samples[[name]], df = df)
  from_df[[length(from_df) + 1]] <- list(sample = name, df = df, inner_knots = I(as.numeric(attr(b, "knots"))),
    boundary = attr(b, "Boundary.knots"), first_rows = basis(b[1:8, , drop = FALSE]))
}

write(toJSON(list(
  versions = list(R = as.character(getRversion()), Hmisc = as.character(packageVersion("Hmisc"))),
  samples = samples, grid = grid, harrell = harrell, restricted = restricted, natural = natural,
  natural_from_df = from_df), digits = NA, auto_unbox = TRUE), "../splines.json")
