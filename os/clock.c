/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the clocks (vDSO calls: no system call in the usual case) and writing a time down. */
#include "os/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"

/* 9999-12-31T23:59:59.999Z: RFC 3339 has four digits for the year. */
#define CLOCK_UTC_MS_MAX UINT64_C(253402300799999)

static struct timespec clock_read(clockid_t clock)
{
	struct timespec now;

	ASSERT(clock_gettime(clock, &now) == 0);
	return now;
}

uint64_t os_clock_now_ns(void)
{
	struct timespec now = clock_read(CLOCK_BOOTTIME);

	return (uint64_t)now.tv_sec * OS_CLOCK_SECOND_NS + (uint64_t)now.tv_nsec;
}

uint64_t os_clock_utc_ms(void)
{
	struct timespec now = clock_read(CLOCK_REALTIME);

	if (now.tv_sec < 0) /* set before 1970 */
		return 0;
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void os_clock_format(uint64_t utc_ms, char text[OS_CLOCK_TEXT_LEN])
{
	char seconds[OS_CLOCK_TEXT_LEN];
	struct tm broken;
	time_t whole;

	if (utc_ms > CLOCK_UTC_MS_MAX)
		utc_ms = CLOCK_UTC_MS_MAX;
	whole = (time_t)(utc_ms / 1000);
	ASSERT(gmtime_r(&whole, &broken) != NULL);
	ASSERT(strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &broken) == 19);
	/* strftime does not pad the year: gmtime_r begins at 1970, so it has four digits. */
	ASSERT(snprintf(text, OS_CLOCK_TEXT_LEN, "%s.%03uZ", seconds, (unsigned)(utc_ms % 1000)) ==
	       OS_CLOCK_TEXT_LEN - 1);
}
