/* layouts.h: every public struct is the sum of its fields: no compiler may add padding of its own. */
#ifndef LAYOUTS_H
#define LAYOUTS_H

#include <ttkit.h>

#define SUM_IS(type, bytes) typedef char type##_has_padding[sizeof(type) == (bytes) ? 1 : -1]

enum { POINTER = sizeof(void *), SIZE = sizeof(size_t), WIDE = 8, NARROW = 4 };

SUM_IS(ttk_array, 3 * POINTER + 2 * NARROW);
SUM_IS(ttk_executor, SIZE + 2 * POINTER + 2 * NARROW);
SUM_IS(ttk_svd_options, SIZE + 5 * WIDE + 5 * POINTER + 4 * NARROW);
SUM_IS(ttk_fit_options, SIZE + 2 * POINTER + 2 * NARROW);
SUM_IS(ttk_prepare_options, SIZE + 2 * WIDE + POINTER + 2 * NARROW);
SUM_IS(ttk_weight_report, SIZE + 3 * POINTER + 4 * WIDE + 2 * NARROW);
SUM_IS(ttk_svd_report, SIZE + 3 * WIDE + 2 * NARROW);
SUM_IS(ttk_solve_report, SIZE + 3 * WIDE + 2 * NARROW);
SUM_IS(ttk_solve_options, SIZE + 4 * WIDE + 4 * POINTER + 4 * NARROW);
SUM_IS(ttk_transform_options, SIZE + WIDE + 4 * NARROW);
SUM_IS(ttk_kashin_options, SIZE + 3 * WIDE + 4 * NARROW);
SUM_IS(ttk_kashin_report, SIZE + 3 * WIDE + 2 * NARROW);
SUM_IS(ttk_network_options, SIZE + 6 * WIDE + 4 * POINTER + 2 * NARROW);
SUM_IS(ttk_compress_options, SIZE + 4 * POINTER + 2 * WIDE + 4 * NARROW);

#endif
