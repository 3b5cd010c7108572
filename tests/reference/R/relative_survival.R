source("common_epi.R"); source("lib_relsurv.R")
colrec <- rd("colrec"); colrec$diag <- as.Date(colrec$diag); colrec$dd <- colrec$diag
rdata <- rd("rdata"); rdata$dd <- as.Date(rdata$year)
data(slopop, package = "relsurv")
swe <- rt_from_csv("swe_lifetable", 0:100, 1969:2020)
B <- list(days_per_year = 365.241, precision_days = 1)

## 1 rs.surv -------------------------------------------------------------------
for (m in c("pohar-perme", "ederer2", "ederer1", "hakulinen")) for (ty in c("kaplan-meier", "fleming-harrington")) {
  if (ty == "fleming-harrington" && m %in% c("ederer1", "hakulinen")) next
  add(paste0("rssurv_colrec_", m, "_", substr(ty, 1, 2)), "colrec+slopop", paste("Relative/net survival", m, ty, "log CI, Slovenian table, all patients"),
    sprintf('rs.surv(Surv(time,stat)~1, rmap=list(age=age,sex=sex,year=diag), data=colrec, ratetable=slopop, method="%s", type="%s", conf.type="log")', m, ty),
    c(B, list(method = m, type = ty, conf_type = "log", time_unit = "days", death = "stat==1")),
    pick(rs.surv(Surv(time, stat) ~ 1, rmap = list(age = age, sex = sex, year = dd), data = colrec, ratetable = slopop, method = m, type = ty), TT)) }
for (cf in c("plain", "log-log"))
  add(paste0("rssurv_colrec_pp_", cf), "colrec+slopop", paste("Pohar Perme with", cf, "CI"), sprintf('rs.surv(Surv(time,stat)~1,..., method="pohar-perme", conf.type="%s")', cf),
    c(B, list(method = "pohar-perme", conf_type = cf)), pick(rs.surv(Surv(time, stat) ~ 1, rmap = list(age = age, sex = sex, year = dd), data = colrec, ratetable = slopop, conf.type = cf), TT))
add("rssurv_colrec_pp_by_stage", "colrec+slopop", "Pohar Perme by stage", "rs.surv(Surv(time,stat)~stage, ...)", c(B, list(strata = "stage")),
  pick(rs.surv(Surv(time, stat) ~ stage, rmap = list(age = age, sex = sex, year = dd), data = colrec, ratetable = slopop), TT))
add("rssurv_colrec_pp_by_sex_90ci", "colrec+slopop", "Pohar Perme by sex, 90% CI", "rs.surv(Surv(time,stat)~sex, conf.int=0.90)", c(B, list(strata = "sex", conf_int = .9)),
  pick(rs.surv(Surv(time, stat) ~ sex, rmap = list(age = age, sex = sex, year = dd), data = colrec, ratetable = slopop, conf.int = .9), TT))
add("rssurv_rdata_e2_by_sex", "rdata+slopop", "Ederer II by sex; rdata age in years (x365.241 days); follow-up in days", 'rs.surv(Surv(time,cens)~sex, rmap=list(age=age*365.241, sex=sex, year=year), ratetable=slopop, method="ederer2")',
  c(B, list(method = "ederer2")), pick(rs.surv(Surv(time, cens) ~ sex, rmap = list(age = age*365.241, sex = sex, year = dd), data = rdata, ratetable = slopop, method = "ederer2"), TT))
add("rssurv_rdata_pp_by_agegr", "rdata+slopop", "Pohar Perme by age group", 'rs.surv(Surv(time,cens)~agegr,...)',
  c(B, list(method = "pohar-perme")), pick(rs.surv(Surv(time, cens) ~ agegr, rmap = list(age = age*365.241, sex = sex, year = dd), data = rdata, ratetable = slopop), c(TT, 4748)))
add("rssurv_colrec_pp_swedish", "colrec+swe_lifetable", "Pohar Perme, colrec patients against the SWEDISH table (table built from swe_lifetable.csv q_year with transrate: hazard per day = -log(1-q)/365.241)",
  'rs.surv(Surv(time,stat)~1, ratetable=transrate(men,women,c(1969,2020)))', c(B, list(ages = "0-100", years = "1969-2020")),
  pick(rs.surv(Surv(time, stat) ~ 1, rmap = list(age = age, sex = sex, year = dd), data = colrec, ratetable = swe), TT))
add("rssurv_colrec_pp_swedish_by_site", "colrec+swe_lifetable", "As above by site, log-log CI", 'rs.surv(Surv(time,stat)~site, conf.type="log-log")', B,
  pick(rs.surv(Surv(time, stat) ~ site, rmap = list(age = age, sex = sex, year = dd), data = colrec, ratetable = swe, conf.type = "log-log"), TT))
sub200 <- colrec[1:200, ]
add("rssurv_colrec200_pp_all_times", "colrec rows 1-200 + slopop", "Full curve at every distinct time (first 200 rows)", "rs.surv(Surv(time,stat)~1, data=colrec[1:200,])", B, {
  f <- rs.surv(Surv(time, stat) ~ 1, rmap = list(age = age, sex = sex, year = dd), data = sub200, ratetable = slopop)
  list(time = I(f$time), n_risk = I(f$n.risk), n_event = I(f$n.event), n_censor = I(f$n.censor), surv = I(f$surv), std_err_log = I(f$std.err), lower = I(f$lower), upper = I(f$upper)) })
add("rssurv_colrec_pp_prec30", "colrec rows 1-200 + slopop", "precision = 30 days in the numerical integral", "rs.surv(..., precision=30)", list(precision_days = 30, days_per_year = 365.241),
  pick(rs.surv(Surv(time, stat) ~ 1, rmap = list(age = age, sex = sex, year = dd), data = sub200, ratetable = slopop, precision = 30), TT))

## 2 crude probability of death ---------------------------------------------------
add("cmprel_colrec_rows1_1500", "colrec rows 1-1500 + slopop", "Crude probabilities of death (cancer / other causes), Cronin-Feuer estimator", "cmp.rel(Surv(time,stat)~1, tau=3652)", c(B, list(tau = 3652)),
  cmpv(cmp.rel(Surv(time, stat) ~ 1, rmap = list(age = age, sex = sex, year = dd), data = colrec[1:1500, ], ratetable = slopop, tau = 3652), TT[-9]))
add("cmprel_rdata_by_sex", "rdata+slopop", "Crude probabilities of death by sex", "cmp.rel(Surv(time,cens)~sex, tau=3652)", c(B, list(tau = 3652)),
  cmpv(cmp.rel(Surv(time, cens) ~ sex, rmap = list(age = age*365.241, sex = sex, year = dd), data = rdata, ratetable = slopop, tau = 3652), TT[-9]))

## 3 tests -----------------------------------------------------------------------
rdv <- function(x) list(test_stat = as.numeric(x$test.stat), df = x$df, p_value = as.numeric(x$p.value), z = I1(x$zh), covmat = unname(x$covmat), n = I1(x$n))
add("rsdiff_rdata_sex", "rdata+slopop", "Net-survival log-rank type test (Graffeo) by sex", "rs.diff(Surv(time,cens)~sex, precision=1)", B,
  rdv(rs.diff(Surv(time, cens) ~ sex, rmap = list(age = age*365.241, sex = sex, year = dd), data = rdata, ratetable = slopop)))
add("rsdiff_rdata_agegr", "rdata+slopop", "Net-survival log-rank type test by age group", "rs.diff(Surv(time,cens)~agegr)", B,
  rdv(rs.diff(Surv(time, cens) ~ agegr, rmap = list(age = age*365.241, sex = sex, year = dd), data = rdata, ratetable = slopop)))
add("rsdiff_rdata_sex_strata_agegr", "rdata+slopop", "Stratified net-survival test", "rs.diff(Surv(time,cens)~sex+strata(agegr))", B,
  rdv(rs.diff(Surv(time, cens) ~ sex + strata(agegr), rmap = list(age = age*365.241, sex = sex, year = dd), data = rdata, ratetable = slopop)))

## 4 excess hazard regression ------------------------------------------------------
cs <- transform(colrec, agey = (age/365.241 - 65)/10, rectum = as.integer(site == "rectum"), male = as.integer(sex == 1))[colrec$stage != "99", ]; cs$stage <- factor(cs$stage)
for (me in c("glm.poi", "glm.bin", "max.lik"))
  add(paste0("rsadd_rdata_", me), "rdata+slopop", paste("Additive (excess hazard) model", me, "sex + agegr + calendar year as.numeric, intervals of 1 year up to 5 years"),
    sprintf('rsadd(Surv(time,cens)~sex+as.factor(agegr), rmap=list(age=age*365.241,sex,year), ratetable=slopop, int=5, method="%s")', me), list(int = "0:5 years of 365.241 d", method = me),
    rsaddv(rsadd(Surv(time, cens) ~ sex + as.factor(agegr), rmap = list(age = age*365.241, sex = sex, year = dd), data = rdata, ratetable = slopop, int = 5, method = me)))
add("rsadd_colrec_maxlik", "colrec (stage != 99)+slopop", "max.lik excess hazard: agey=(age/365.241-65)/10, male, rectum, stage; int=5", "rsadd(Surv(time,stat)~agey+male+rectum+stage, int=5)", list(method = "max.lik"),
  rsaddv(rsadd(Surv(time, stat) ~ agey + male + rectum + stage, rmap = list(age = age, sex = sex, year = dd), data = cs, ratetable = slopop, int = 5)))
add("rsadd_colrec_glmpoi_custom_int", "colrec (stage != 99)+slopop", "glm.poi with int=c(0,0.5,1,2,3,5)", "rsadd(..., int=c(0,.5,1,2,3,5), method='glm.poi')", list(method = "glm.poi"),
  rsaddv(rsadd(Surv(time, stat) ~ agey + male + rectum + stage, rmap = list(age = age, sex = sex, year = dd), data = cs, ratetable = slopop, int = c(0, .5, 1, 2, 3, 5), method = "glm.poi")))
add("rsadd_rdata_EM", "rdata+slopop", "EM semiparametric excess hazard (default bwin)", "rsadd(Surv(time,cens)~sex+agegr, method='EM')", list(method = "EM"), {
  f <- rsadd(Surv(time, cens) ~ sex + as.factor(agegr), rmap = list(age = age*365.241, sex = sex, year = dd), data = rdata, ratetable = slopop, int = 5, method = "EM")
  o <- rsaddv(f); o$Lambda0_times <- I(c(365, 1095, 1826)); k <- findInterval(c(365, 1095, 1826), f$times); o$Lambda0 <- I1(f$Lambda0[k]); o })
add("rsmul_rdata", "rdata+slopop", "Andersen multiplicative relative survival model (method mul)", "rsmul(Surv(time,cens)~sex+agegr, int=5)", list(), {
  f <- rsmul(Surv(time, cens) ~ sex + as.factor(agegr), rmap = list(age = age*365.241, sex = sex, year = dd), data = rdata, ratetable = slopop, int = 5); rsaddv(f) })
add("rstrans_rdata", "rdata+slopop", "Transformation model (Stare)", "rstrans(Surv(time,cens)~sex+agegr, int=5)", list(), {
  f <- rstrans(Surv(time, cens) ~ sex + as.factor(agegr), rmap = list(age = age*365.241, sex = sex, year = dd), data = rdata, ratetable = slopop, int = 5); rsaddv(f) })

## 5 expected survival ------------------------------------------------------------
for (me in c("ederer", "hakulinen", "conditional")) add(paste0("survexp_colrec_", me), "colrec+slopop", paste("Cohort expected survival", me),
    sprintf('survexp(%s~1, rmap=..., method="%s", ratetable=slopop, times=..., scale=1)', if (me == "ederer") "" else if (me == "hakulinen") "pot" else "time", me),
    list(method = me, potential_followup = "days from diag to 2006-01-01 for hakulinen"), {
      d <- transform(colrec, pot = as.numeric(as.Date("2006-01-01") - diag)); d$pot <- pmax(d$pot, d$time)
      f <- switch(me, ederer = survexp(~1, rmap = list(age = age, sex = sex, year = dd), data = d, ratetable = slopop, times = TT, method = "ederer"),
        hakulinen = survexp(pot ~ 1, rmap = list(age = age, sex = sex, year = dd), data = d, ratetable = slopop, times = TT, method = "hakulinen"),
        conditional = survexp(time ~ 1, rmap = list(age = age, sex = sex, year = dd), data = d, ratetable = slopop, times = TT, method = "conditional"))
      list(time = I(f$time), surv = I1(f$surv), n_risk = I1(f$n.risk)) })
add("survexp_colrec_individual", "colrec+slopop", "Individual expected survival and cumulative hazard at own follow-up (first 50 rows)", "survexp(time~1, method='individual.s'/'individual.h')", B, {
  d <- colrec[1:50, ]; s <- survexp(time ~ 1, rmap = list(age = age, sex = sex, year = dd), data = d, ratetable = slopop, method = "individual.s")
  h <- survexp(time ~ 1, rmap = list(age = age, sex = sex, year = dd), data = d, ratetable = slopop, method = "individual.h"); list(surv = I1(s), cumhaz = I1(h)) })
add("survexp_colrec_swedish_individual", "colrec+swe_lifetable", "Individual expected cumulative hazard, Swedish table (first 50 rows)", "survexp(time~1, method='individual.h', ratetable=swe)", B, {
  d <- colrec[1:50, ]; h <- survexp(time ~ 1, rmap = list(age = age, sex = sex, year = dd), data = d, ratetable = swe, method = "individual.h"); list(cumhaz = I1(h), sum = sum(h)) })
add("smr_colrec_swedish_by_site", "colrec+swe_lifetable", "One-sample log-rank / SMR: observed and expected deaths by site (expected = sum individual cumulative hazard)", "sum(individual.h)", B, {
  h <- survexp(time ~ 1, rmap = list(age = age, sex = sex, year = dd), data = colrec, ratetable = swe, method = "individual.h")
  o <- tapply(colrec$stat, colrec$site, sum); e <- tapply(h, colrec$site, sum); list(site = I(names(o)), observed = I1(o), expected = I1(e), smr = I1(o/e), chisq = I1((o - e)^2/e)) })
add("nessie_colrec_sex", "colrec+slopop", "Expected sample size (nessie) by sex and conditional expected life time c.exp.surv (years)", "nessie(Surv(time,stat)~sex, times=seq(0,10,1))", B, {
  f <- nessie(Surv(time, stat) ~ sex, rmap = list(age = age, sex = sex, year = dd), data = colrec, ratetable = slopop, times = 0:10)
  list(times = I(0:10), mata = mat(f$mata), n = I1(f$n)) })
add("years_colrec_yd", "colrec rows 1-300 + slopop", "Life years difference (Manevski 2021) measure yd", "years(Surv(time,stat)~1, measure='yd', precision=30)", list(precision = 30), {
  d <- colrec[1:300, ]; f <- years(Surv(time, stat) ~ 1, data = d, measure = "yd", ratetable = slopop, rmap = list(age = age, sex = sex, year = dd), var.estimator = "none", precision = 30)
  i <- findInterval(c(365,1826,3652), f$years$time); list(time = I(c(365,1826,3652)), est = I(f$years$est[i]), columns = I(names(f$years)), tau_est = tail(f$years$est, 1), tau = tail(f$years$time, 1)) })

## 6 actuarial (Dickman) -----------------------------------------------------------
sweT <- rd("swe_lifetable"); frac <- function(d) { y <- as.integer(format(d, "%Y")); y + as.numeric(d - as.Date(paste0(y, "-01-01")))/365.25 }
add("actuarial_e2_colrec_swedish", "colrec+swe_lifetable", "Dickman/strs-style actuarial relative survival, annual intervals, Ederer II expected at interval start (attained integer age and calendar year), Greenwood SE, log(-log) CI scaled by expected; hand-coded",
  "strs_e2(age/365.25, frac_year(diag), sex, time/365.25, stat, swe_lifetable)", list(days_per_year = 365.25, formula_year = "calendar year + (day of year - 1)/365.25"),
  lapply(strs_e2(colrec$age/365.25, frac(colrec$diag), colrec$sex, colrec$time/365.25, colrec$stat, sweT), I))

## 7 popEpi survtab -----------------------------------------------------------------
sire <- rd("sire"); for (v in c("bi_date", "dg_date", "ex_date")) sire[[v]] <- as.Date(sire[[v]])
sire <- sire[sire$dg_date < sire$ex_date, ]
pmf <- rd("popmort_fi"); pmort <- data.frame(sex = pmf$sex, CAL = pmf$year, AGE = pmf$age, haz = pmf$hazard_year)
x <- Lexis(entry = list(FUT = 0, AGE = dg_age, CAL = get.yrs(dg_date)), exit = list(CAL = get.yrs(ex_date)), data = sire, exit.status = factor(status, levels = 0:2, labels = c("alive", "canD", "othD")), merge = TRUE)
x$agegr <- cut(x$dg_age, c(0, 45, 55, 65, 75, Inf), right = FALSE, labels = c("0-44", "45-54", "55-64", "65-74", "75+"))
br <- list(FUT = seq(0, 5, 1/12))
for (rm in c("e2", "pp")) for (sm in c("hazard", "lifetable")) { if (rm == "pp" && sm == "lifetable") next
  add(paste0("survtab_sire_", rm, "_", sm), "sire+popmort_fi", paste("popEpi survtab relative survival", rm, sm, "monthly breaks to 5 years"),
    sprintf('survtab(Surv(time=FUT,event=lex.Xst)~1, breaks=list(FUT=seq(0,5,1/12)), surv.type="surv.rel", relsurv.method="%s", surv.method="%s", pophaz=popmort)', rm, sm),
    list(year = "get.yrs year.length='approx' (365.242199 d)", conf_type = "log-log"), {
      st <- survtab(Surv(time = FUT, event = lex.Xst) ~ 1, data = x, breaks = br, surv.type = "surv.rel", relsurv.method = rm, surv.method = sm, pophaz = pmort)
      stv(as.data.frame(st)[c(1:12, 24, 36, 48, 60), ]) }) }
add("survtab_sire_obs_lifetable", "sire", "popEpi observed survival, actuarial, quarterly", "survtab(..., surv.type='surv.obs', surv.method='lifetable', breaks FUT by 0.25)", list(),
  stv(survtab(Surv(time = FUT, event = lex.Xst) ~ 1, data = x, breaks = list(FUT = seq(0, 5, .25)), surv.type = "surv.obs", surv.method = "lifetable")))
icss <- rd("icss"); cutw <- cut(icss$age, c(0, 45, 55, 65, 75, Inf), right = FALSE); W1 <- tapply(icss$ICSS1, cutw, sum)
add("survtab_sire_pp_icss1", "sire+popmort_fi+icss", "Age-standardised Pohar Perme net survival with ICSS1 weights (0-44,45-54,55-64,65-74,75+), within-stratum estimates also given", 
  "survtab(Surv(FUT,lex.Xst)~adjust(agegr), weights=list(agegr=ICSS1), relsurv.method='pp', breaks monthly to 5y)", list(weights = I1(W1/sum(W1))), {
   st <- survtab(Surv(time = FUT, event = lex.Xst) ~ adjust(agegr), data = x, breaks = br, surv.type = "surv.rel", relsurv.method = "pp", pophaz = pmort, weights = list(agegr = as.numeric(W1)))
   s2 <- survtab(Surv(time = FUT, event = lex.Xst) ~ agegr, data = x, breaks = br, surv.type = "surv.rel", relsurv.method = "pp", pophaz = pmort)
   list(adjusted = stv(as.data.frame(st)[c(12, 24, 36, 48, 60), ]), by_age = stv(as.data.frame(s2[s2$Tstop %in% 1:5 | abs(s2$Tstop - round(s2$Tstop)) < 1e-9, ]))) })
add("survtab_sire_cif_obs", "sire", "popEpi cause-specific crude CIF (observed causes), hazard method", "survtab(..., surv.type='cif.obs')", list(),
  { st <- survtab(Surv(time = FUT, event = lex.Xst) ~ 1, data = x, breaks = br, surv.type = "cif.obs"); stv(as.data.frame(st)[c(12, 24, 36, 48, 60), ]) })
add("survtab_sire_cif_rel", "sire+popmort_fi", "popEpi relative-survival CIF (excess deaths)", "survtab(..., surv.type='cif.rel')", list(),
  { st <- survtab(Surv(time = FUT, event = lex.Xst) ~ 1, data = x, breaks = br, surv.type = "cif.rel", pophaz = pmort); stv(as.data.frame(st)[c(12, 24, 36, 48, 60), ]) })
add("period_survtab_sire_2008_2012", "sire+popmort_fi", "Period analysis 2008-2013 window: Pohar Perme, quarterly breaks", "survtab(..., breaks=list(FUT=seq(0,5,.25), CAL=c(2008,2013)))", list(),
  { st <- survtab(Surv(time = FUT, event = lex.Xst) ~ 1, data = x, breaks = list(FUT = seq(0, 5, .25), CAL = c(2008, 2013)), surv.type = "surv.rel", relsurv.method = "pp", pophaz = pmort); stv(st) })
add("rpcurve_relpois_sire", "sire+popmort_fi", "popEpi relpois: Poisson excess hazard (sex + agegr + yearly FUT bands)", "relpois_ag / relpois(lexpand(...), fot, ...)", list(), {
  sr <- as.data.table(sire); sr$agegr <- cut(sr$dg_age, c(0, 45, 55, 65, 75, Inf), right = FALSE)
  lx <- lexpand(sr, birth = bi_date, entry = dg_date, exit = ex_date, status = status %in% 1:2, breaks = list(fot = 0:5), pophaz = data.table(sex = pmf$sex, year = pmf$year, agegroup = pmf$age, haz = pmf$hazard_year), pp = FALSE)
  f <- relpois(lx, formula = lex.Xst %in% TRUE ~ -1 + FOT + agegr, fot.breaks = 0:5); o <- co(coef(f), vcov(f)); o$deviance <- f$deviance; o })
add("survmean_sire", "sire+popmort_fi", "Mean survival with extrapolation beyond 10 years (popEpi survmean), expected survival via popmort", "survmean(Surv(FUT,lex.Xst)~sex, breaks FUT=seq(0,10,1/12), pophaz)", list(), {
  x2 <- x; sm <- survmean(Surv(time = FUT, event = lex.Xst) ~ agegr, data = x2, breaks = list(FUT = seq(0, 10, 1/12)), pophaz = pmort, e1.breaks = list(FUT = c(seq(0, 10, 1/12), 11:80)))
  stv(sm) })
finish("relative_survival", c("survival", "relsurv", "Epi", "popEpi"))
