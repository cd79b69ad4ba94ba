cdef class EndableQueue:
    cdef readonly object _items    # a deque
    cdef readonly object _readers  # a deque of futures
    cdef readonly bint _ended
    cdef Py_ssize_t _capacity
    cdef object _on_room
    cdef object _error
    cdef object _traceback
    cdef object __weakref__

    cpdef put(self, item)
    cdef object _end_of_items(self)
    cdef _forget(self, reader)
    cdef _wake_reader(self)
    cdef bint _wake_elsewhere(self, reader, loop) except -1


cdef class LiveQueue(EndableQueue):
    cdef readonly Py_ssize_t num_put
    cdef object _drops
    cdef object _name

    cdef _make_room(self)
