# Days at or below a threshold: gaps filled by zoo's na.approx(maxgap, rule = 2), runs by rle(), runs joined over short gaps as
# heatwaveR's exceedance(maxGap) does; the two lowest values. Simulated neutrophils, at least two values per patient.
suppressMessages(library(zoo))
source("common.R")
set.seed(4)
one <- function(i) {
  until <- if (i %% 3 == 0) sample(8:45, 1) else NA
  days <- sort(sample(0:60, sample(9:30, 1)))
  level <- pmax(0, 3 * abs(days - runif(1, 5, 25)) / 20 - runif(1, 0, 0.9))
  value <- round(pmax(0, level * exp(rnorm(length(days), 0, 0.6))), 2)
  if (!is.na(until) && sum(days <= min(until, 30)) < 2) until <- NA
  data.frame(id = i, day = days, value = value, until = until)
}
d <- do.call(rbind, lapply(1:36, one))
d <- d[ave(d$day <= 30, d$id, FUN = sum) >= 2, ]
runs <- function(p, threshold, joined, maxgap) {
  last <- min(30, p$until[1], na.rm = TRUE)
  p <- p[p$day <= last, ]
  y <- rep(NA_real_, last + 1); y[p$day + 1] <- p$value
  if (maxgap > 0) y <- na.approx(y, maxgap = maxgap, rule = 2, na.rm = FALSE)
  low <- !is.na(y) & y <= threshold + 1e-9
  r <- rle(low); n <- length(r$lengths)
  inside <- seq_len(n) > 1 & seq_len(n) < n
  r2 <- r; r2$values[inside & !r$values & r$lengths < joined] <- TRUE
  runs <- rle(inverse.rle(r2)); end <- cumsum(runs$lengths); begin <- end - runs$lengths
  known <- max(which(!is.na(y)))
  never <- any(runs$values & begin <= 3 & end >= known & begin < known)
  c(longest = max(c(0, runs$lengths[runs$values])), total = sum(low), never = never, known = sum(!is.na(y)))
}
columns <- lapply(d, I)
for (o in list(c(0.5, 3, 7), c(0.1, 3, 7), c(1, 1, 7), c(0.5, 5, 3), c(0.5, 3, 0))) {
  found <- sapply(split(d, d$id), runs, threshold = o[1], joined = o[2], maxgap = o[3])
  case(sprintf("low_%g_joined_%g_gap_%g", o[1], o[2], o[3]), NA, paste("days at or below a threshold on days 0 to 30, by zoo", packageVersion("zoo")), "na.approx(); rle()",
       c(list(threshold = o[1], joined_gap = o[2], longest_gap = o[3]), columns),
       list(id = V(as.integer(colnames(found))), days_longest = V(found["longest", ]), days_total = V(found["total", ]),
            never_above = V(found["never", ] == 1), days_known = V(found["known", ])))
}
two <- sapply(split(d, d$id), function(p) sort(p$value[p$day >= 31 & p$day <= min(100, p$until[1], na.rm = TRUE)])[1:2])
case("nadir", NA, "the two lowest values from day 31 on", "sort()", columns,
     list(id = V(as.integer(colnames(two))), nadir = V(two[1, ]), second_lowest = V(two[2, ])))
write_cases("cytopenia")
