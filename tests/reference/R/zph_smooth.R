# What plot.cox.zph draws: its own code, with the functions that draw replaced by one that notes what it is given.
source("common.R")
drawn <- function(z, i) {
  noted <- list()
  note <- function(x, y, ...) noted[[length(noted) + 1]] <<- list(x = x, y = as.vector(y))
  none <- function(...) NULL
  f <- survival:::plot.cox.zph
  environment(f) <- list2env(list(lines = note, points = none, plot = none, axis = none), parent = asNamespace("survival"))
  f(z, var = i)
  list(x = V(noted[[1]]$x), estimate = V(noted[[1]]$y), high = V(noted[[2]]$y), low = V(noted[[3]]$y))
}
zph <- function(id, dataset, description, covariates, time, event, transform = "km", entry = NULL, strata = NULL, ...) {
  o <- list(covariates = covariates, time = time, event = event, transform = transform, entry = entry, strata = strata, ...)
  o <- o[!vapply(o, is.null, TRUE)]
  d <- prep(dataset, o)
  d$..t <- as.numeric(ev(time, d)); d$..e <- as.numeric(ev(event, d))
  assign("d", d, globalenv())
  lhs <- if (is.null(entry)) "Surv(..t, ..e)" else sprintf("Surv(%s, ..t, ..e)", entry)
  rhs <- if (is.null(strata)) covariates else paste0(covariates, " + strata(", strata, ")")
  m <- coxph(fml(lhs, rhs), data = d)
  z <- cox.zph(m, transform = transform, terms = FALSE)
  case(id, dataset, description, "cox.zph(terms = FALSE); plot.cox.zph()", o,
    list(names = I(colnames(z$y)), drawn = lapply(seq_len(ncol(z$y)), function(i) drawn(z, i))))
}
zph("km", "veteran", "Kaplan-Meier time", "trt + karno + age", "time", "status == 1")
zph("identity", "veteran", "time itself", "trt + karno", "time", "status == 1", "identity")
zph("log", "veteran", "logarithm of time", "karno", "time", "status == 1", "log")
zph("rank", "veteran", "ranks", "karno", "time", "status == 1", "rank")
zph("strata", "veteran", "strata", "karno + age", "time", "status == 1", strata = "celltype")
zph("entry", "kmsurv_channing", "delayed entry", "gender", "age", "death == 1", entry = "ageentry", subset = "(age > ageentry) & (age > 800)")
write_cases("zph_smooth")
