/* SPDX-License-Identifier: Apache-2.0 */
/* From errno to the one error enum; inside os/ only. */
#ifndef OS_ERROR_H
#define OS_ERROR_H

#include "base/error.h"

/* Never SOTTO_OK: what has no name of its own is SOTTO_ERR_IO. */
MUST_USE enum sotto_err os_err_from_errno(int number);

#endif
