# popEpi's tables of intervals: delayed entry, periods, standardisation, weights in life tables, few patients, causes of death.
# Follow-up, age and calendar time are in years of 365.25 days; PER counts them from 1970 on, so that a window of dates is exact,
# and CAL is the calendar year with the share of it that has passed, which finds the population's hazard.
source("common_epi.R"); suppressMessages({library(survival); library(Epi); library(popEpi); library(data.table)})
L <- 365.25; per <- function(text) as.numeric(as.Date(text)) / L
all <- rd("sire"); for (v in c("bi_date", "dg_date", "ex_date")) all[[v]] <- as.Date(all[[v]])
all <- all[all$dg_date < all$ex_date, ]; all$row <- seq_len(nrow(all)) - 1
pm <- rd("popmort_fi"); PM <- data.frame(sex = pm$sex, CAL = pm$year, AGE = pm$age, haz = pm$hazard_year)
lexis <- function(d, late = 0) {               # late: days until each one is under observation
  d$late <- rep_len(late, nrow(d)); d <- d[d$late < as.numeric(d$ex_date - d$dg_date), ]
  y <- as.integer(format(d$dg_date, "%Y")); d$cal <- y + as.numeric(d$dg_date - as.Date(paste0(y, "-01-01"))) / L
  d$age0 <- as.numeric(d$dg_date - d$bi_date) / L; d$per0 <- as.numeric(d$dg_date) / L; d$from <- d$late / L
  d$group <- ifelse(d$dg_date >= as.Date("2003-01-01"), "late", "early"); d$agegr <- cut(d$age0, c(0, 45, 55, 65, 75, Inf), right = FALSE)
  Lexis(entry = list(FUT = from, AGE = age0 + from, CAL = cal + from, PER = per0 + from), exit = list(FUT = as.numeric(ex_date - dg_date) / L), data = d,
    entry.status = factor("alive", levels = c("alive", "canD", "othD")), exit.status = factor(status, levels = 0:2, labels = c("alive", "canD", "othD")), merge = TRUE)
}
columns <- function(st) lapply(as.list(as.data.frame(st)), function(x) if (is.factor(x)) I(as.character(x)) else I(as.vector(x)))
table_of <- function(id, description, data, at, right = "1", window = NULL, type = "surv.rel", method = "e2", how = "hazard", weights = NULL, conf = .95, scale = "log-log", late = 0, rows = NULL) {
  if (!is.null(rows)) data <- data[rows + 1, ]
  x <- lexis(data, late); breaks <- list(FUT = at); if (!is.null(window)) breaks$PER <- per(window)
  f <- as.formula(paste("Surv(FUT, lex.Xst) ~", right)); pop <- if (type %in% c("surv.rel", "cif.rel")) PM
  o <- list(intervals = I(at), period = if (!is.null(window)) I(window), late = if (any(late > 0)) I(late), weights = if (!is.null(weights)) I(weights), rows_used = if (!is.null(rows)) I(rows), conf_level = conf, conf_type = scale)
  add(id, "sire+popmort_fi", description, sprintf("survtab(%s, surv.type='%s', relsurv.method='%s', surv.method='%s')", deparse(f), type, method, how), o[!vapply(o, is.null, TRUE)],
    columns(survtab(f, data = x, breaks = breaks, surv.type = type, relsurv.method = method, surv.method = how, pophaz = pop, weights = if (!is.null(weights)) list(agegr = weights), conf.level = conf, conf.type = scale)))
}
W <- c("2003-01-01", "2008-07-01"); late <- c(0, 40, 80, 120, 160); half <- seq(0, 5, .5); ICSS1 <- c(7, 12, 23, 29, 29)
table_of("e2_period", "Ederer II, period", all, half, window = W)
table_of("e2_delayed", "Ederer II, delayed entry (days repeat over rows)", all, half, late = rep_len(late, nrow(all)))
table_of("e2_delayed_period", "Ederer II, delayed entry and period, by group", all, half, "group", window = W, late = rep_len(late, nrow(all)))
table_of("pp_period", "Pohar Perme, period", all, half, window = W, method = "pp")
table_of("pp_hazard", "Pohar Perme, yearly intervals", all, 0:5, method = "pp")
table_of("pp_lifetable", "Pohar Perme, life table", all, seq(0, 5, .25), method = "pp", how = "lifetable")
table_of("e2_by_lifetable", "Ederer II, life table by group, plain limits", all, c(0, .3, .9, 2.1, 5.2), "group", how = "lifetable", scale = "plain", conf = .9)
table_of("e2_icss1", "Ederer II, age-standardised", all, half, "adjust(agegr)", weights = ICSS1)
table_of("e2_icss1_group_period", "Ederer II, age-standardised by group, period, log limits", all, half, "group + adjust(agegr)", weights = ICSS1, window = W, scale = "log")
table_of("e2_icss1_lifetable", "Ederer II, age-standardised life table", all, c(0, .3, .9, 2.1, 5.2), "adjust(agegr)", weights = ICSS1, how = "lifetable")
few <- c(6, 38, 42, 44, 52, 70, 637, 692, 706, 6068, 6071, 6074, 6090)                                    # counted from 0
table_of("few_lifetable", "a handful of patients until the last death", all, c(0, .1, .3, .7, 1, 2), how = "lifetable", rows = few)
table_of("few_hazard", "a handful of patients until the last death", all, c(0, .1, .3, .7, 1, 2), rows = few)
table_of("few_gap", "nobody at risk in the second interval", all, c(0, .1, .15, .7, 1, 2), rows = few, late = ifelse(few == 6071, 0, 60))
table_of("cif_obs_delayed", "cumulative incidence by cause, delayed entry", all, half, type = "cif.obs", late = rep_len(late, nrow(all)))
table_of("cif_obs_lifetable", "cumulative incidence by cause, life table, by group", all, c(0, .3, .9, 2.1, 5.2), "group", type = "cif.obs", how = "lifetable")
table_of("cif_rel_period", "cumulative incidence of excess deaths, period", all, half, type = "cif.rel", window = W)
table_of("cif_rel_lifetable", "cumulative incidence of excess deaths, life table, by group", all, c(0, .3, .9, 2.1, 5.2), "group", type = "cif.rel", how = "lifetable")
finish("survtab", c("survival", "Epi", "popEpi"))
