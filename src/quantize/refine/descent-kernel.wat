(module
  (memory (export "memory") 1)

  ;; Coordinate descent over the codes of one row of a weight. The matrix lies at byte 0, rows $stride bytes apart, a multiple of
  ;; 16; the gradient and the codes, float32 numbers as well, at $gradient and $codes.
  (func (export "descend")
    (param $gradient i32) (param $codes i32) (param $count i32) (param $stride i32)
    (param $scale f32) (param $most f32) (param $passes i32)
    (local $index i32) (local $row i32) (local $at i32) (local $moved i32)
    (local $code f32) (local $step f32) (local $curvature f32) (local $factor v128)
    (block $done
      (loop $pass
        (br_if $done (i32.le_s (local.get $passes) (i32.const 0)))
        (local.set $passes (i32.sub (local.get $passes) (i32.const 1)))
        (local.set $moved (i32.const 0))
        (local.set $index (i32.const 0))
        (local.set $row (i32.const 0))
        (block $end
          (loop $next
            (br_if $end (i32.ge_u (local.get $index) (local.get $count)))
            (local.set $at (i32.shl (local.get $index) (i32.const 2)))
            (local.set $curvature (f32.load (i32.add (local.get $row) (local.get $at))))
            (if (f32.gt (local.get $curvature) (f32.const 0))
              (then
                (local.set $code (f32.load (i32.add (local.get $codes) (local.get $at))))
                (local.set $step
                  (f32.sub
                    (f32.min
                      (f32.max
                        (f32.nearest
                          (f32.sub (local.get $code)
                            (f32.div (f32.load (i32.add (local.get $gradient) (local.get $at)))
                              (f32.mul (local.get $curvature) (local.get $scale)))))
                        (f32.neg (local.get $most)))
                      (local.get $most))
                    (local.get $code)))
                (if (f32.ne (local.get $step) (f32.const 0))
                  (then
                    (local.set $moved (i32.const 1))
                    (f32.store (i32.add (local.get $codes) (local.get $at)) (f32.add (local.get $code) (local.get $step)))
                    (local.set $factor (f32x4.splat (f32.mul (local.get $step) (local.get $scale))))
                    (local.set $at (i32.const 0))
                    (loop $add
                      (v128.store (i32.add (local.get $gradient) (local.get $at))
                        (f32x4.add (v128.load (i32.add (local.get $gradient) (local.get $at)))
                          (f32x4.mul (local.get $factor) (v128.load (i32.add (local.get $row) (local.get $at))))))
                      (local.set $at (i32.add (local.get $at) (i32.const 16)))
                      (br_if $add (i32.lt_u (local.get $at) (local.get $stride))))))))
            (local.set $index (i32.add (local.get $index) (i32.const 1)))
            (local.set $row (i32.add (local.get $row) (local.get $stride)))
            (br $next)))
        (br_if $pass (local.get $moved))))))
