"""Converts pictures between the pixel formats, and scales them."""
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport uint8_t, uint32_t

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.arguments cimport PY_SSIZE_T_MAX, check_int
from livekit_utils._kernels.borrow cimport release_gil_if, restore_gil

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL

cdef enum:
    MAX_SIZE = 2147483647
    # Pixels. Below this a conversion takes about as long as a thread switch.
    NOGIL_PIXELS = 16384
    # Bytes of a pixel in the largest format, and more than all planes of any format have.
    MAX_PIXEL_BYTES = 4


cdef Py_ssize_t row_bytes(const csrc.lku_picture *picture, size_t plane) noexcept:
    """Bytes in a row of a plane."""
    cdef csrc.lku_plane_layout layout = csrc.lku_layout(picture.format, plane)
    return csrc.lku_halved(picture.width, layout.half_x) * layout.num_values * layout.num_bytes


cdef Py_ssize_t num_rows(const csrc.lku_picture *picture, size_t plane) noexcept:
    return csrc.lku_halved(picture.height, csrc.lku_layout(picture.format, plane).half_y)


cdef int describe(csrc.lku_picture *picture, object format, object width, object height) except -1:
    """Fills all but the addresses; rows and planes follow each other without gaps."""
    picture.format = <csrc.lku_pixel_format>check_int("format", format, 0, csrc.LKU_NUM_PIXEL_FORMATS - 1)
    picture.width = check_int("width", width, 1, MAX_SIZE)
    picture.height = check_int("height", height, 1, MAX_SIZE)
    if picture.height > PY_SSIZE_T_MAX // MAX_PIXEL_BYTES // (picture.width + 1) - 1:
        raise ValueError(f"width, height: {width} x {height} pixels are more than memory can hold")
    for plane in range(csrc.lku_num_planes(picture.format)):
        picture.planes[plane].stride = row_bytes(picture, plane)
    return 0


cdef int set_strides(csrc.lku_picture *picture, object strides) except -1:
    cdef size_t plane, num_planes = csrc.lku_num_planes(picture.format)
    cdef Py_ssize_t least
    if len(strides) != <Py_ssize_t>num_planes:
        raise ValueError(f"strides: expected {num_planes}, got {len(strides)}")
    for plane in range(num_planes):
        least = row_bytes(picture, plane)
        picture.planes[plane].stride = check_int(
            "strides", strides[plane], least, PY_SSIZE_T_MAX // MAX_PIXEL_BYTES // num_rows(picture, plane)
        )
        if picture.format == csrc.LKU_I010 and picture.planes[plane].stride & 1:
            raise ValueError(f"strides: expected whole 16-bit values, got {strides[plane]} bytes")
    return 0


cdef Py_ssize_t place(csrc.lku_picture *picture, uint8_t *memory) noexcept:
    """Sets the addresses, from `memory` on; returns the bytes that the picture takes."""
    cdef Py_ssize_t end = 0, offset = 0
    for plane in range(csrc.lku_num_planes(picture.format)):
        picture.planes[plane].data = memory + offset
        # The last row needs no padding.
        end = offset + picture.planes[plane].stride * (num_rows(picture, plane) - 1) + row_bytes(picture, plane)
        offset += picture.planes[plane].stride * num_rows(picture, plane)
    return end


cdef object output(csrc.lku_picture *picture, bint writable):
    """Places a picture in new memory, which it returns: a bytearray, or bytes."""
    cdef Py_ssize_t num_bytes = place(picture, NULL)
    if writable:
        made = PyByteArray_FromStringAndSize(NULL, num_bytes)
        place(picture, <uint8_t *>PyByteArray_AS_STRING(made))
    else:
        made = PyBytes_FromStringAndSize(NULL, num_bytes)
        place(picture, <uint8_t *>PyBytes_AS_STRING(made))
    return made


cdef int borrow(object data, csrc.lku_picture *picture, Py_buffer *view) except -1:
    """Places a picture in borrowed memory."""
    cdef Py_ssize_t needed
    PyObject_GetBuffer(data, view, PyBUF_SIMPLE)
    needed = place(picture, <uint8_t *>view.buf)
    if view.len < needed:
        got = view.len
        PyBuffer_Release(view)
        raise ValueError(f"data: expected at least {needed} bytes, got {got}")
    return 0


def convert_picture(
    data, format, width, height, to_format, *, bint flip_y=False, double red=0.299, double blue=0.114,
    bint full_range=False, strides=None, bint writable=True
):
    """Returns a picture in another format, as a bytearray, or as bytes if it is not `writable`.

    `red` and `blue` are the weights in grey. `strides` are the bytes from one row of the input to the next, per plane.
    """
    cdef csrc.lku_picture source, target
    cdef csrc.lku_colour colour
    cdef Py_buffer view
    describe(&source, format, width, height)
    describe(&target, to_format, width, height)
    if not (0 <= red <= 0.5 and 0 <= blue <= 0.5 and red + blue <= 0.5):
        raise ValueError(f"red, blue: expected 0.5 or less together, got {red} and {blue}")
    if strides is not None:
        set_strides(&source, strides)
    colour.red, colour.blue, colour.full_range = red, blue, full_range
    borrow(data, &source, &view)
    try:
        made = output(&target, writable)
        released = release_gil_if(source.width * source.height >= NOGIL_PIXELS)
        csrc.lku_convert_picture(SIMD, &source, colour, flip_y, &target)
        restore_gil(released)
        return made
    finally:
        PyBuffer_Release(&view)


cdef void scale(
    const csrc.lku_picture *source, const csrc.lku_picture *target, csrc.lku_scale_filter filter,
    csrc.lku_scale_window *windows, uint32_t *sums
) noexcept nogil:
    cdef csrc.lku_plane_layout layout
    cdef size_t plane
    for plane in range(csrc.lku_num_planes(source.format)):
        layout = csrc.lku_layout(source.format, plane)
        csrc.lku_scale_plane(
            SIMD, filter, &source.planes[plane], csrc.lku_halved(source.width, layout.half_x),
            csrc.lku_halved(source.height, layout.half_y), &target.planes[plane],
            csrc.lku_halved(target.width, layout.half_x), csrc.lku_halved(target.height, layout.half_y),
            layout.num_values, layout.num_bytes, windows, sums
        )


def scale_picture(data, format, width, height, to_width, to_height, *, filter=0):
    """Returns a picture in another size, as a bytearray; the filter is one of `lku_scale_filter`."""
    cdef csrc.lku_picture source, target
    cdef Py_buffer view
    cdef csrc.lku_scale_window *windows
    cdef uint32_t *sums
    cdef csrc.lku_scale_filter chosen = <csrc.lku_scale_filter>check_int("filter", filter, 0, csrc.LKU_SCALE_BILINEAR)
    for name, size in (("width", width), ("height", height), ("to_width", to_width), ("to_height", to_height)):
        check_int(name, size, 1, csrc.LKU_SCALE_MAX_SIZE)
    describe(&source, format, width, height)
    describe(&target, format, to_width, to_height)
    borrow(data, &source, &view)
    try:
        made = output(&target, True)
        windows = <csrc.lku_scale_window *>PyMem_Malloc(target.width * sizeof(csrc.lku_scale_window))
        sums = <uint32_t *>PyMem_Malloc(source.width * MAX_PIXEL_BYTES * sizeof(uint32_t))
        try:
            if windows is NULL or sums is NULL:
                raise MemoryError
            released = release_gil_if(source.width * source.height + target.width * target.height >= NOGIL_PIXELS)
            scale(&source, &target, chosen, windows, sums)
            restore_gil(released)
        finally:
            PyMem_Free(windows)
            PyMem_Free(sums)
        return made
    finally:
        PyBuffer_Release(&view)
