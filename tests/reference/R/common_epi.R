# Helpers for the scripts of population-based studies. Run them from this folder, with the data sets as CSV in HEM_CSV
# (see ../README.md); HEM_OUT is the folder for the JSON.
options(stringsAsFactors = FALSE, digits = 15, warn = 1)
DATA <- Sys.getenv("HEM_CSV", "csv"); OUT <- Sys.getenv("HEM_OUT", "..")
rd <- function(name, ...) {                    # a data set; the Swedish life table from its counts
  if (name == "swe_lifetable") { d <- rd("swe_population_deaths"); d$hazard_year <- d$deaths/d$mean_population; d$q_year <- 1 - exp(-d$hazard_year); return(d) }
  d <- read.csv(file.path(DATA, paste0(name, ".csv")), ...)
  if (name %in% c("slopop", "survexp_us")) d$q_year <- 1 - exp(-d$hazard_day*if (name == "slopop") 365.241 else 365.25)
  d
}
TABLES <- c(slopop = "slovenia", swe_lifetable = "sweden", popmort_fi = "finland", survexp_us = "united states")
place <- function(text) {                      # "colrec rows 1-200 + slopop" -> the data set, and options for the rest
  m <- regmatches(text, regexec("^(\\w+)(?: rows (\\d+)-(\\d+))?(?: \\((.*)\\))?\\s*(?:\\+\\s*(.*))?$", text, perl = TRUE))[[1]]
  o <- list(); name <- m[2]
  if (nzchar(m[3])) o$rows <- I(as.integer(m[3:4]))
  if (nzchar(m[5])) o$subset <- m[5]
  if (name == "sire") o$subset <- "dg_date < ex_date"
  for (r in if (nzchar(m[6])) trimws(strsplit(m[6], "+", fixed = TRUE)[[1]])) if (r %in% names(TABLES)) o$life_table <- TABLES[[r]] else if (is.null(o$standard)) o$standard <- r
  if (name == "swe_lifetable") name <- "swe_population_deaths"
  list(dataset = if (name == "inline") NA else name, options = o)
}
.cases <- list(); .failed <- character(0)
add <- function(id, dataset, description, call, options = list(), values) {
  v <- tryCatch(suppressWarnings(suppressMessages(force(values))), error = function(e) e)
  if (inherits(v, "error")) { .failed <<- c(.failed, paste(id, conditionMessage(v))); message("FAILED ", id, ": ", conditionMessage(v)); return(invisible()) }
  if (id %in% vapply(.cases, `[[`, "", "id")) stop("duplicate id ", id)
  p <- place(dataset); o <- c(p$options, options); if (is.character(o$strata) && !inherits(o$strata, "AsIs")) names(o)[names(o) == "strata"] <- "by"
  .cases[[length(.cases) + 1]] <<- list(id = id, dataset = p$dataset, description = description, call = call,
    options = if (length(o)) o else structure(list(), names = character(0)), values = v)
  invisible()
}
finish <- function(topic, packages) {
  js <- function(x) as.character(jsonlite::toJSON(x, digits = NA, auto_unbox = TRUE, na = "null", null = "null", dataframe = "columns", matrix = "rowmajor"))
  head <- js(list(topic = topic, r_version = R.version.string, packages = sapply(packages, function(p) as.character(packageVersion(p)), simplify = FALSE)))
  lines <- vapply(.cases, js, "")            # one case a line
  writeLines(c(paste0(substr(head, 1, nchar(head) - 1), ",\"cases\":["), paste0(lines, c(rep(",", length(lines) - 1), "")), "]}"), f <- file.path(OUT, paste0(topic, ".json")))
  cat(topic, length(.cases), "cases,", length(.failed), "failed ->", f, "\n")
}
I1 <- function(x) if (is.null(x)) NULL else I(unname(as.vector(x)))    # always a JSON array
nl <- function(x) { x <- x; as.list(x) }                               # named vector -> JSON object
mat <- function(m) { m <- as.matrix(unclass(as.matrix(m))); list(rows = I1(rownames(m)), cols = I1(colnames(m)), data = unname(m)) }
co <- function(est, V) { se <- sqrt(diag(as.matrix(V))); list(names = I1(names(est)), coef = I1(est), se = I1(se), vcov = unname(as.matrix(V))) }
