# Where the data sets in data/ and tests/data/ come from: writes each as CSV from the R package that distributes it,
# with the levels of its factors in levels.json. UTF-8, an empty field is missing, factors as labels, rows in the
# order of the source. HEM_CSV is the folder for the CSV; HEM_RSRC holds the files of packages that are not installed:
# casebase/data/bmtcrr.rda, and cgvhd.csv made from scikit-survival's cgvhd.arff.
OUT <- Sys.getenv("HEM_CSV", "csv")
RS <- Sys.getenv("HEM_RSRC")
suppressMessages({library(survival); library(jsonlite)})
LEV <- list()
put <- function(name, x) {
  x <- as.data.frame(x); rownames(x) <- NULL
  for (c in names(x)) {
    if (is.factor(x[[c]])) LEV[[name]][[c]] <<- I(levels(x[[c]]))
    if (is.factor(x[[c]]) || is.character(x[[c]])) { v <- as.character(x[[c]]); v[!is.na(v) & v == ""] <- NA; x[[c]] <- v }
    else { attributes(x[[c]]) <- NULL }
  }
  write.csv(x, file.path(OUT, paste0(name, ".csv")), row.names = FALSE, na = "", fileEncoding = "UTF-8")
}
from <- function(package, name) { e <- new.env(); data(list = name, package = package, envir = e); get(name, envir = e) }

# survival
for (name in c("aml", "flchain", "gbsg", "heart", "kidney", "lung", "mgus2", "myeloid", "myeloma", "nwtco", "pbc", "retinopathy", "rotterdam", "veteran")) put(name, get(name))
# one row for each occupation that a respondent could have had, as in the example of clogit
rows <- rep(seq_len(nrow(logan)), each = nlevels(logan$occupation))
choices <- data.frame(logan[rows, ], id = rows, tocc = factor(rep(levels(logan$occupation), nrow(logan))))
choices$case <- as.integer(as.character(choices$occupation) == as.character(choices$tocc))
put("logan_cc", choices)
# laboratory values from visit to visit, as in the vignette on time-dependent covariates
visits <- tmerge(subset(pbc, id <= 312, c(id:sex, stage)), subset(pbc, id <= 312), id = id, death = event(time, status))
visits <- tmerge(visits, pbcseq, id = id, ascites = tdc(day, ascites), bili = tdc(day, bili), albumin = tdc(day, albumin), protime = tdc(day, protime), alk.phos = tdc(day, alk.phos))
put("pbc_tdc", as.data.frame(unclass(visits)))
# 150 relapses, each with three patients without relapse of the same study
set.seed(20250101)
cases <- sort(sample(which(nwtco$rel == 1), 150)); controls <- which(nwtco$rel == 0)
put("nwtco_cc", do.call(rbind, lapply(seq_along(cases), function(i) {
  k <- c(cases[i], sample(controls[nwtco$study[controls] == nwtco$study[cases[i]]], 3))
  data.frame(set = i, case = c(1, 0, 0, 0), hist2 = as.integer(nwtco$histol[k] == 2), stage = nwtco$stage[k], age = nwtco$age[k] / 12)
})))
# KMsurv
for (name in c("alloauto", "bmt", "channing", "hodg")) put(paste0("kmsurv_", name), from("KMsurv", name))
d <- from("KMsurv", "bcdeter")   # a lower limit of 0 is left censoring
put("bcdeter_iv", data.frame(left = ifelse(d$lower == 0, NA, d$lower), right = d$upper, treat = d$treat))
# flexsurv
put("bc_flexsurv", from("flexsurv", "bc"))
# datasets, Epi
put("infert", infert)
put("bdendo", from("Epi", "bdendo"))
# timereg, casebase, scikit-survival
put("timereg_bmt", from("timereg", "bmt"))
e <- new.env(); load(file.path(RS, "casebase/data/bmtcrr.rda"), e); put("bmtcrr", e$bmtcrr)
put("cgvhd", read.csv(file.path(RS, "cgvhd.csv"), stringsAsFactors = FALSE))
write_json(LEV, file.path(OUT, "levels.json"), auto_unbox = TRUE, pretty = TRUE)
