/* SPDX-License-Identifier: Apache-2.0 */
/* The file in which a benchmark leaves its figures. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <stdio.h>

/* Opened, with the beginning of {"results": [...]} in it; ends the program when that fails. */
FILE *bench_json_open(const char *path);

#endif
