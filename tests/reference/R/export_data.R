# Where the data sets in data/ and tests/data/ come from: writes each as CSV from the R package that distributes it,
# with the levels of its factors in levels.json. UTF-8, an empty field is missing, factors as labels, rows in the
# order of the source. HEM_CSV is the folder for the CSV; HEM_RSRC holds the files of packages that are not installed:
# casebase/data/bmtcrr.rda, randomForestSRC/data/follic.rda, currentSurvival/data/cml.rda, and cgvhd.csv made from
# scikit-survival's cgvhd.arff.
OUT <- Sys.getenv("HEM_CSV", "csv")
RS <- Sys.getenv("HEM_RSRC")
suppressMessages({library(survival); library(jsonlite)})
LEV <- list()
put <- function(name, x) {
  x <- as.data.frame(x); rownames(x) <- NULL
  for (c in names(x)) {
    if (inherits(x[[c]], "Date")) x[[c]] <- format(x[[c]])
    if (is.factor(x[[c]])) LEV[[name]][[c]] <<- I(levels(x[[c]]))
    if (is.factor(x[[c]]) || is.character(x[[c]])) { v <- as.character(x[[c]]); v[!is.na(v) & v == ""] <- NA; x[[c]] <- v }
    else { attributes(x[[c]]) <- NULL }
  }
  write.csv(x, file.path(OUT, paste0(name, ".csv")), row.names = FALSE, na = "", fileEncoding = "UTF-8")
}
from <- function(package, name) { e <- new.env(); data(list = name, package = package, envir = e); get(name, envir = e) }

# survival
for (name in c("aml", "bladder", "cgd", "flchain", "gbsg", "heart", "kidney", "lung", "mgus2", "myeloid", "myeloma", "nwtco", "pbc", "retinopathy", "rotterdam", "veteran")) put(name, get(name))
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
# the first event of a competing pair, as in the vignette on competing risks
first <- within(mgus2, { etime <- ifelse(pstat == 1, ptime, futime); event <- ifelse(pstat == 1, 1, 2 * death); evlab <- factor(event, 0:2, c("censor", "pcm", "death")) })
put("mgus2_cr", first[c("id", "age", "sex", "dxyr", "hgb", "creat", "mspike", "etime", "event", "evlab")])
first <- within(myeloid, { hsct <- !is.na(txtime) & txtime <= futime; etime <- ifelse(hsct, txtime, futime); cause <- ifelse(hsct, 1, 2 * death) })
put("myeloid_cr", first[c("id", "trt", "sex", "etime", "cause")])
# one row up to each event: a malignancy in the month of the death comes 0.1 months earlier
moved <- within(mgus2, ptime <- ifelse(ptime == futime & pstat == 1, ptime - .1, ptime))
rows <- tmerge(moved[c("id", "age", "sex", "hgb", "mspike")], moved, id = id, death = event(futime, death), pcm = event(ptime, pstat))
rows <- tmerge(rows, rows, id = id, enum = cumtdc(tstart))
rows$state <- factor(with(rows, ifelse(death == 1, 2, pcm)), 0:2, c("censor", "pcm", "death"))
put("mgus2_ms", as.data.frame(unclass(rows))[c("id", "age", "sex", "hgb", "mspike", "tstart", "tstop", "enum", "state")])
# a response on the day of the transplantation comes one day earlier; death before relapse before the others
moved <- within(myeloid, { same <- !is.na(crtime) & !is.na(txtime) & crtime == txtime; crtime[same] <- crtime[same] - 1 })
rows <- tmerge(moved[c("id", "trt", "sex")], moved, id = id, death = event(futime, death), sct = event(txtime), cr = event(crtime), relapse = event(rltime), priorcr = tdc(crtime), priortx = tdc(txtime))
code <- with(rows, cr + 2 * sct + 4 * relapse + 8 * death)
code <- ifelse(code %in% c(0, 1, 2, 4, 8), code, ifelse(code >= 8, 8, 4))
rows$event <- factor(code, c(0, 1, 2, 4, 8), c("none", "CR", "SCT", "relapse", "death"))
put("myeloid_ms", as.data.frame(unclass(rows))[c("id", "trt", "sex", "tstart", "tstop", "event", "priorcr", "priortx")])
# KMsurv
for (name in c("alloauto", "bmt", "channing", "hodg")) put(paste0("kmsurv_", name), from("KMsurv", name))
d <- from("KMsurv", "bcdeter")   # a lower limit of 0 is left censoring
put("bcdeter_iv", data.frame(left = ifelse(d$lower == 0, NA, d$lower), right = d$upper, treat = d$treat))
# flexsurv
put("bc_flexsurv", from("flexsurv", "bc"))
# datasets, Epi
put("infert", infert)
put("bdendo", from("Epi", "bdendo"))
# mstate
for (name in c("aidssi", "ebmt2", "ebmt3", "ebmt4")) put(name, from("mstate", name))
# the first of AIDS, SI and death; at one time AIDS counts first, then SI
first <- within(from("mstate", "aidssi2"), {
  aids <- ifelse(aids.stat == 1, aids.time, Inf); si <- ifelse(si.stat == 1, si.time, Inf); etime <- pmin(aids, si, death.time)
  cause <- ifelse(aids <= pmin(si, death.time), 1, ifelse(si <= death.time, 2, 3 * death.stat))
})
put("aidssi2_cr", first[c("patnr", "entry.time", "etime", "cause", "age.inf", "ccr5")])
# timereg, survminer, casebase, randomForestSRC, currentSurvival, scikit-survival
put("timereg_bmt", from("timereg", "bmt"))
put("survminer_bmt", from("survminer", "BMT"))
e <- new.env(); load(file.path(RS, "casebase/data/bmtcrr.rda"), e); put("bmtcrr", e$bmtcrr)
load(file.path(RS, "randomForestSRC/data/follic.rda"), e); put("follic", e$follic)
load(file.path(RS, "currentSurvival/data/cml.rda"), e); put("cml_clfs", e$cml)
put("cgvhd", read.csv(file.path(RS, "cgvhd.csv"), stringsAsFactors = FALSE))
write_json(LEV, file.path(OUT, "levels.json"), auto_unbox = TRUE, pretty = TRUE)
