(module
  (memory (export "memory") 6)

  ;; The greatest of the bits of the magnitudes of the float32 numbers from byte $start to before byte $end, 16 at a time.
  (func (export "largestMagnitudeBits") (param $start i32) (param $end i32) (result i32)
    (local $one v128) (local $two v128) (local $three v128) (local $four v128) (local $mask v128)
    (local.set $mask (v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $start) (local.get $end)))
        (local.set $one (i32x4.max_u (local.get $one) (v128.and (local.get $mask) (v128.load offset=0 (local.get $start)))))
        (local.set $two (i32x4.max_u (local.get $two) (v128.and (local.get $mask) (v128.load offset=16 (local.get $start)))))
        (local.set $three (i32x4.max_u (local.get $three) (v128.and (local.get $mask) (v128.load offset=32 (local.get $start)))))
        (local.set $four (i32x4.max_u (local.get $four) (v128.and (local.get $mask) (v128.load offset=48 (local.get $start)))))
        (local.set $start (i32.add (local.get $start) (i32.const 64)))
        (br $next)))
    (local.set $one (i32x4.max_u (i32x4.max_u (local.get $one) (local.get $two)) (i32x4.max_u (local.get $three) (local.get $four))))
    (local.set $one (i32x4.max_u (local.get $one) (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $one) (local.get $one))))
    (local.set $one (i32x4.max_u (local.get $one) (i8x16.shuffle 4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11 (local.get $one) (local.get $one))))
    (i32x4.extract_lane 0 (local.get $one)))

  ;; int8 numbers from byte $target: round(x * $factor), to the even neighbour on a tie, 0 for NaN. Adding 1.5 * 2^23 rounds to a
  ;; whole number and leaves it in the low bits.
  (func (export "quantizeHalfEven") (param $start i32) (param $end i32) (param $target i32) (param $factor f32)
    (local $scale v128) (local $one v128) (local $two v128) (local $three v128) (local $four v128)
    (local $rounder v128)
    (local.set $scale (f32x4.splat (local.get $factor)))
    (local.set $rounder (f32x4.splat (f32.const 12582912)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $start) (local.get $end)))
        (local.set $one (f32x4.mul (v128.load offset=0 (local.get $start)) (local.get $scale)))
        (local.set $one (v128.and (f32x4.eq (local.get $one) (local.get $one)) (i32x4.sub (f32x4.add (local.get $one) (local.get $rounder)) (local.get $rounder))))
        (local.set $two (f32x4.mul (v128.load offset=16 (local.get $start)) (local.get $scale)))
        (local.set $two (v128.and (f32x4.eq (local.get $two) (local.get $two)) (i32x4.sub (f32x4.add (local.get $two) (local.get $rounder)) (local.get $rounder))))
        (local.set $three (f32x4.mul (v128.load offset=32 (local.get $start)) (local.get $scale)))
        (local.set $three (v128.and (f32x4.eq (local.get $three) (local.get $three)) (i32x4.sub (f32x4.add (local.get $three) (local.get $rounder)) (local.get $rounder))))
        (local.set $four (f32x4.mul (v128.load offset=48 (local.get $start)) (local.get $scale)))
        (local.set $four (v128.and (f32x4.eq (local.get $four) (local.get $four)) (i32x4.sub (f32x4.add (local.get $four) (local.get $rounder)) (local.get $rounder))))
        (v128.store (local.get $target)
          (i8x16.narrow_i16x8_s
            (i16x8.narrow_i32x4_s (local.get $one) (local.get $two))
            (i16x8.narrow_i32x4_s (local.get $three) (local.get $four))))
        (local.set $start (i32.add (local.get $start) (i32.const 64)))
        (local.set $target (i32.add (local.get $target) (i32.const 16)))
        (br $next))))

  ;; The same, away from zero on a tie: what is cut off decides.
  (func (export "quantizeHalfAway") (param $start i32) (param $end i32) (param $target i32) (param $factor f32)
    (local $scale v128) (local $one v128) (local $two v128) (local $three v128) (local $four v128)
    (local $rest v128) (local $half v128)
    (local.set $scale (f32x4.splat (local.get $factor)))
    (local.set $half (f32x4.splat (f32.const 0.5)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $start) (local.get $end)))
        (local.set $one (f32x4.mul (v128.load offset=0 (local.get $start)) (local.get $scale)))
        (local.set $rest (f32x4.sub (local.get $one) (f32x4.trunc (local.get $one))))
        (local.set $one (i32x4.trunc_sat_f32x4_s (local.get $one)))
        (local.set $one (i32x4.add (i32x4.sub (local.get $one) (f32x4.ge (local.get $rest) (local.get $half))) (f32x4.le (local.get $rest) (f32x4.neg (local.get $half)))))
        (local.set $two (f32x4.mul (v128.load offset=16 (local.get $start)) (local.get $scale)))
        (local.set $rest (f32x4.sub (local.get $two) (f32x4.trunc (local.get $two))))
        (local.set $two (i32x4.trunc_sat_f32x4_s (local.get $two)))
        (local.set $two (i32x4.add (i32x4.sub (local.get $two) (f32x4.ge (local.get $rest) (local.get $half))) (f32x4.le (local.get $rest) (f32x4.neg (local.get $half)))))
        (local.set $three (f32x4.mul (v128.load offset=32 (local.get $start)) (local.get $scale)))
        (local.set $rest (f32x4.sub (local.get $three) (f32x4.trunc (local.get $three))))
        (local.set $three (i32x4.trunc_sat_f32x4_s (local.get $three)))
        (local.set $three (i32x4.add (i32x4.sub (local.get $three) (f32x4.ge (local.get $rest) (local.get $half))) (f32x4.le (local.get $rest) (f32x4.neg (local.get $half)))))
        (local.set $four (f32x4.mul (v128.load offset=48 (local.get $start)) (local.get $scale)))
        (local.set $rest (f32x4.sub (local.get $four) (f32x4.trunc (local.get $four))))
        (local.set $four (i32x4.trunc_sat_f32x4_s (local.get $four)))
        (local.set $four (i32x4.add (i32x4.sub (local.get $four) (f32x4.ge (local.get $rest) (local.get $half))) (f32x4.le (local.get $rest) (f32x4.neg (local.get $half)))))
        (v128.store (local.get $target)
          (i8x16.narrow_i16x8_s
            (i16x8.narrow_i32x4_s (local.get $one) (local.get $two))
            (i16x8.narrow_i32x4_s (local.get $three) (local.get $four))))
        (local.set $start (i32.add (local.get $start) (i32.const 64)))
        (local.set $target (i32.add (local.get $target) (i32.const 16)))
        (br $next)))))
