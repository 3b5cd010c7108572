# Helpers for every reference script. Run the scripts from this folder, with the data sets as CSV in HEM_CSV
# (see ../README.md); HEM_OUT is the folder for the JSON, HEM_RLIB a library of additional packages.
suppressMessages({library(survival); library(jsonlite)})
if (nzchar(Sys.getenv("HEM_RLIB"))) .libPaths(c(Sys.getenv("HEM_RLIB"), .libPaths()))
CSV <- Sys.getenv("HEM_CSV", "csv")
OUTDIR <- Sys.getenv("HEM_OUT", "..")
LEVELS <- fromJSON(file.path(CSV, "levels.json"), simplifyVector = TRUE)
options(stringsAsFactors = FALSE)
ld <- function(name) {                       # read a dataset exactly as a Python user would
  d <- read.csv(file.path(CSV, paste0(name, ".csv")), na.strings = "", check.names = FALSE, colClasses = NA)
  names(d) <- make.names(names(d))
  for (c in intersect(names(d), make.names(names(LEVELS[[name]])))) d[[c]] <- factor(as.character(d[[c]]), levels = LEVELS[[name]][[match(c, make.names(names(LEVELS[[name]])))]])
  if (name == "heart") d$transplant <- factor(d$transplant)
  d
}
ev <- function(expr, d) eval(parse(text = expr), d, globalenv())
prep <- function(dataset, o) {               # options$derive, options$subset, options$dropna
  d <- ld(dataset)
  for (n in names(o$derive)) d[[n]] <- as.vector(ev(o$derive[[n]], d))
  if (!is.null(o$subset)) { k <- ev(o$subset, d); d <- d[!is.na(k) & k, , drop = FALSE] }
  if (!is.null(o$dropna)) d <- d[complete.cases(d[o$dropna]), , drop = FALSE]
  for (n in names(o$factors)) d[[n]] <- factor(d[[n]], levels = unlist(o$factors[[n]]))
  rownames(d) <- NULL
  d
}
CASES <- list()
V <- function(x) { x <- unname(x); attributes(x) <- NULL; I(x) }      # always a JSON array
mat <- function(m) { m <- as.matrix(m); dn <- dimnames(m); dimnames(m) <- NULL; list(rows = if (!is.null(dn[[1]])) I(dn[[1]]), cols = if (!is.null(dn[[2]])) I(dn[[2]]), data = lapply(seq_len(nrow(m)), function(i) I(as.vector(m[i, ])))) }
NL <- function(x) as.list(x)                                          # named vector -> JSON object
clean <- function(x) {
  if (is.null(x)) return(NULL)
  if (is.list(x) && !is.data.frame(x)) { x <- x[!vapply(x, is.null, TRUE)]; return(lapply(x, clean)) }
  if (is.numeric(x)) { asis <- inherits(x, "AsIs"); if (any(is.infinite(x))) { y <- lapply(as.vector(unclass(x)), function(v) if (is.infinite(v)) (if (v > 0) "Inf" else "-Inf") else if (is.na(v)) NA else v); return(if (length(y) == 1 && !asis) y[[1]] else y) } ; x[is.nan(x)] <- NA }
  x
}
case <- function(id, dataset, description, call, options, values) {
  if (id %in% vapply(CASES, `[[`, "", "id")) stop("duplicate id ", id)
  CASES[[length(CASES) + 1]] <<- list(id = id, dataset = dataset, description = description, call = call, options = options, values = values)
}
try_case <- function(expr, label = "") { r <- try(expr, silent = TRUE); if (inherits(r, "try-error")) cat("FAILED", label, conditionMessage(attr(r, "condition")), "\n"); invisible(r) }
write_cases <- function(topic) {
  f <- file.path(OUTDIR, paste0(topic, ".json"))
  pv <- function(p) tryCatch(as.character(packageVersion(p)), error = function(e) NULL)
  out <- list(topic = topic, r_version = R.version.string,
    packages = Filter(Negate(is.null), sapply(c("survival","cmprsk","mstate","survRM2","riskRegression","prodlim","timeROC","survivalROC","coxphf","coxme","reda","maxstat","etm","rms","MASS","clinfun","nph","nphRCT","km.ci","crrSC","currentSurvival","sandwich","qcc","spc","pec","mvtnorm"), function(p) if (p %in% loadedNamespaces()) pv(p), simplify = FALSE)),
    cases = lapply(CASES, clean))
  write(toJSON(out, digits = NA, auto_unbox = TRUE, null = "null", na = "null", pretty = TRUE), f)
  cat(topic, length(CASES), "cases ->", f, "\n")
  CASES <<- list()
}
# deparse with options substituted, for the "call" field
fml <- function(lhs, rhs) as.formula(paste(lhs, "~", rhs), env = globalenv())
