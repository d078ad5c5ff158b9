"""Writes the protocols that the tests read: random calls and what CPython 3.13
answers. Run, for each NAME.txt: PYTHONHASHSEED=0 python3.13 make.py NAME COUNT"""

import random
import struct
import sys

name, n = sys.argv[1], int(sys.argv[2])
r = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 3)
out = []


def enc(x):
    if x is None:
        return '-'
    if x is True:
        return 'T'
    if x is False:
        return 'F'
    if isinstance(x, int):
        return '%s0x%x' % ('-' * (x < 0), abs(x)) if abs(x) > 10**300 else str(x)
    if isinstance(x, float):
        return 'x%x' % struct.unpack('<Q', struct.pack('<d', x))
    if isinstance(x, (list, tuple)):
        return '[' + ';'.join(enc(y) for y in x) + ']'
    if isinstance(x, BaseException):
        return '!' + '.'.join('%x' % ord(c) for c in str(x))
    return '"' + '.'.join('%x' % ord(c) for c in x)


def emit(op, *a):
    out.append(op + '\t' + '\t'.join(enc(x) for x in a))


def attempt(f, *a):
    try:
        return f(*a)
    except Exception as e:
        return e


alph=["abcXYZ  \t\n'\"\\","aAbB zZ9_","éÉßÿµ xX\xa0\x85\xad","ΑΣσς ΌΔάé'","ǅǆǄ ŉİıſﬁ","日本語 \u3000a","😀𝒜 \U00010400\U00010428aΣ","\ud800\udfff a\u2028\r\n","0123٣²½ⅷ൹","\u0301\u0345\u00adΣa'.:", "ab"]


def s(maxn=14):
    k=r.random()
    al=r.choice(alph)
    if k<.2: al=al+r.choice(alph)
    return ''.join(r.choice(al) for _ in range(r.choice([0,1,2,3,r.randrange(maxn+1),r.randrange(maxn+1)])))


def sub(t):
    if r.random()<.7 and t:
        i=r.randrange(len(t)); return t[i:i+r.choice([1,1,2,3])]
    return s(3)


def make_str():
    t=s(r.choice([6,14,40]))
    op=r.choice("upper lower title capitalize swapcase casefold preds repr ascii find rfind count starts ends replace split splitws rsplit rsplitws lines part rpart strip slice step center ljust rjust zfill tabs cmp concat repeat join hash utf8".split())
    a=r.randrange(-6,len(t)+6); b=r.randrange(-6,len(t)+6)
    if op in('upper','lower','title','capitalize','swapcase','casefold'): emit(op,t,getattr(t,op)())
    elif op=='preds':
        if r.random()<.5: t=t[:r.randrange(1,4)]
        emit(op,t,[getattr(t,'is'+m)() for m in 'alpha alnum decimal digit numeric space printable identifier lower upper title ascii'.split()])
    elif op=='repr': emit(op,t,repr(t))
    elif op=='ascii': emit(op,t,ascii(t))
    elif op in('find','rfind','count'):
        u=sub(t); emit(op,t,u,a,b,getattr(t,op)(u,a,b))
    elif op=='starts': u=sub(t); emit(op,t,u,a,b,t.startswith(u,a,b))
    elif op=='ends': u=sub(t); emit(op,t,u,a,b,t.endswith(u,a,b))
    elif op=='replace': u=sub(t);v=s(3);c=r.choice([-1,-1,0,1,2]); emit(op,t,u,v,c,t.replace(u,v,c))
    elif op in('split','rsplit'):
        u=sub(t) or 'a'; c=r.choice([-1,-1,0,1,2]); emit(op,t,u,c,getattr(t,op)(u,c))
    elif op in('splitws','rsplitws'):
        c=r.choice([-1,-1,0,1,2]); emit(op,t,c,getattr(t,op[:-2])(None,c))
    elif op=='lines': k=r.random()<.5; emit(op,t,k,t.splitlines(k))
    elif op=='part': u=sub(t) or 'a'; emit(op,t,u,list(t.partition(u)))
    elif op=='rpart': u=sub(t) or 'a'; emit(op,t,u,list(t.rpartition(u)))
    elif op=='strip': u=r.choice([None,sub(t),s(4)]); k=r.choice(['strip','lstrip','rstrip']); emit(k,t,u,getattr(t,k)(u))
    elif op=='slice': i,j,_=slice(a,b).indices(len(t)); emit(op,t,i,j,t[i:j])
    elif op=='step':
        st=r.choice([-3,-2,-1,1,2,3]); i,j,st=slice(r.choice([None,a]),r.choice([None,b]),st).indices(len(t)); emit(op,t,i,st,len(range(i,j,st)),''.join(t[q] for q in range(i,j,st)))
    elif op in('center','ljust','rjust'): w=r.randrange(0,20); f=r.choice(' *é日😀'); emit(op,t,w,f,getattr(t,op)(w,f))
    elif op=='zfill': t=r.choice(['','+','-','x'])+t; w=r.randrange(0,20); emit(op,t,w,t.zfill(w))
    elif op=='tabs': w=r.choice([0,1,4,8]); emit(op,t,w,t.expandtabs(w))
    elif op=='cmp': u=r.choice([s(),t,sub(t)]); emit(op,t,u,(t>u)-(t<u))
    elif op=='concat': u=s(40); emit(op,t,u,t+u)
    elif op=='repeat': k=r.randrange(0,5); emit(op,t,k,t*k)
    elif op=='join': l=[s(4) for _ in range(r.randrange(5))]; emit(op,t,l,t.join(l))
    elif op=='hash': emit(op,t,hash(t))
    elif op=='utf8':
        try: x=list(t.encode())
        except UnicodeEncodeError as e: x=e.start
        emit(op,t,x)


def some_float():
    k = r.random()
    if k < .2: return r.choice([0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, 0.25, 0.125, float('inf'), float('-inf'), float('nan'), 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 1e16, 1e15, 123456789012345680.0, 1e-4, 1e-5, 9.995, 0.05, 1e22, 1e23, 9.5, 99.5, 999999.5, 0.1, 15.0, 25.0, 35.0, 250.0, 350.0, 5.0, 50.0])
    if k < .5: return round(r.uniform(-1000, 1000), r.randrange(5))
    if k < .7: return r.randrange(-10**6, 10**6) / 2**r.randrange(12)
    if k < .8: return float(r.randrange(-10**20, 10**20))
    return struct.unpack('<d', struct.pack('<Q', r.getrandbits(64)))[0]


def some_int():
    k = r.random()
    if k < .3: return r.randrange(-20, 20)
    if k < .5: return r.randrange(-10**6, 10**6)
    if k < .6: return r.choice([-1, 1]) * (2**r.choice([31, 32, 53, 54, 61, 63, 64, 100, 1023, 1024]) + r.randrange(-3, 4))
    return r.choice([-1, 1]) * r.getrandbits(r.choice([10, 40, 63, 64, 65, 120, 200, 1100]))


def number_text():
    k = r.random()
    parts = ['1', '23', '0', '00', '_', '.', 'e5', 'E-3', 'e+400', '+', '-', 'inf', 'nan', ' ', '\n', '\u0663', '\xa0', '5', '77', 'x', 'é', '1_0', '\ud800', 'e', '9' * 20]
    return ''.join(r.choice(parts) for _ in range(r.choice([1, 2, 2, 3, 3, 4, 5])))


def make_float():
    op = r.choice('repr format format parse hex fromhex ratio round round toint cmp divmod pow mod'.split())
    x = some_float()
    if op == 'repr': emit(op, x, repr(x))
    elif op == 'format':
        c = r.choice('efg'); p = r.choice([0, 0, 1, 1, 2, 3, 6, 10, 17, 20, 50, 400, 1200]); alt = r.random() < .3
        emit(op, x, c, p, alt, ('%' + '#' * alt + '.%d' % p + c) % x)
    elif op == 'parse':
        t = r.choice([number_text, lambda: repr(x), lambda: ' ' + str(some_int()) + '.' + str(r.getrandbits(80)) + 'e%d' % r.randrange(-340, 300)])()
        v = attempt(float, t)
        emit(op, t, None if isinstance(v, Exception) else v)
    elif op == 'hex': emit(op, x, x.hex())
    elif op == 'fromhex':
        t = r.choice([lambda: x.hex(), lambda: ''.join(r.choice(['0x', '1', 'f', '.', 'p', '-', '+', 'p5', 'A', ' ', 'p-1074', '8', '.8', 'p1023']) for _ in range(r.randrange(1, 7))), lambda: '0x%x.%xp%d' % (r.getrandbits(60), r.getrandbits(70), r.randrange(-1150, 1000))])()
        emit(op, t, attempt(float.fromhex, t))
    elif op == 'ratio': v = attempt(x.as_integer_ratio); emit(op, x, v if isinstance(v, Exception) else list(v))
    elif op == 'round': k = r.choice([-310, -300, -20, -3, -2, -1, 0, 1, 2, 3, 5, 16, 300, 322, 324]); emit(op, x, k, attempt(round, x, k))
    elif op == 'toint': emit(op, x, attempt(int, x))
    elif op == 'cmp':
        i = r.choice([some_int(), int(x) if x - x == 0 else 3]); i += r.choice([0, 0, 1, -1])
        emit(op, x, i, None if x != x else (x > i) - (x < i))
    elif op in ('divmod', 'mod'):
        y = some_float()
        if y == 0: return
        emit(op, x, y, list(divmod(x, y)) if op == 'divmod' else x % y)
    elif op == 'pow':
        y = r.choice([some_float(), float(r.randrange(-5, 6)), .5])
        v = attempt(pow, x, y)
        if isinstance(v, complex): v = None
        elif isinstance(v, OverflowError): v = OverflowError(v.args[1]) if len(v.args) > 1 else None
        emit(op, x, y, v)


def make_int():
    op = r.choice('parse parse decimal div divmod shl shr pow powmod isqrt bits tobytes frombytes tofloat round'.split())
    a, b = some_int(), some_int()
    if op == 'parse':
        t, base = r.choice([lambda: (number_text(), r.choice([0, 10, 10, 16, 36, 2]))] * 9 + [lambda: (r.choice(['', '-', ' +']) + r.choice(['0x', '0b', '0o', '0X', '', '_', '0']) + r.choice(['', '_']) + r.choice(['1', '10', '101', '1_0', 'ff', '7', '00', 'zz', '_', '1__1']) + r.choice(['', ' ', '_', 'g']), r.choice([0, 2, 8, 10, 16, 36, 37, 1, -1]))] * 9 + [lambda: ('1' * r.choice([600, 641, 4300, 4301]), r.choice([10, 3, 16]))])()
        emit(op, t, base, attempt(int, t, base))
    elif op == 'decimal': v = r.choice([a] * 40 + [ 10**4299, 10**4300, -10**4300, 10**4300 - 1, 3**12000, 2**15000]); emit(op, v, attempt(str, v))
    elif op == 'div': emit(op, a, b, attempt(lambda: a / b))
    elif op == 'divmod': b and emit(op, a, b, list(divmod(a, b)))
    elif op == 'shl': k = r.randrange(-2, 200); emit(op, a, k, attempt(lambda: a << k))
    elif op == 'shr': k = r.choice([r.randrange(-2, 200), 10**30]); emit(op, a, k, attempt(lambda: a >> k))
    elif op == 'pow': k = r.randrange(0, 12); emit(op, a, k, a ** k)
    elif op == 'powmod':
        c = some_int(); b = r.choice([b, r.randrange(-5, 50)])
        if b.bit_length() < 300: emit(op, a, b, c, attempt(pow, a, b, c))
    elif op == 'isqrt': import math; emit(op, abs(a), math.isqrt(abs(a)))
    elif op == 'bits': emit(op, a, [a.bit_length(), a.bit_count(), hash(a)])
    elif op == 'tobytes':
        k = r.randrange(0, 20); big = r.random() < .5; sg = r.random() < .5
        v = attempt(lambda: a.to_bytes(k, 'big' if big else 'little', signed=sg))
        emit(op, a, k, big, sg, v if isinstance(v, Exception) else list(v))
    elif op == 'frombytes':
        l = [r.choice([0, 255, r.randrange(256)]) for _ in range(r.randrange(12))]; big = r.random() < .5; sg = r.random() < .5
        emit(op, l, big, sg, int.from_bytes(l, 'big' if big else 'little', signed=sg))
    elif op == 'tofloat': emit(op, a, attempt(float, a))
    elif op == 'round': k = r.choice([r.randrange(0, 8), r.randrange(40)]); emit(op, a, k, round(a, -k))


def some_spec():
    if r.random() < .15: return ''.join(r.choice('<>^=+- z#0,_.123dxsfeg%cbXEGnéq٣') for _ in range(r.randrange(1, 6)))
    t = r.choice(['', '', '<', '>', '^', '=', '*<', 'é^', '0=', '0>', '😀<'])
    t += r.choice(['', '', '', '+', '-', ' ']) + r.choice([''] * 8 + ['z']) + r.choice(['', '', '', '#']) + r.choice(['', '', '0'])
    t += r.choice(['', '', '1', '5', '10', '20', '33', '9' * 20]) if r.random() < .99 else '9' * 20
    t += r.choice(['', '', '', ',', '_', '_,'] if r.random() < .5 else [''])
    t += r.choice(['', '', '.0', '.1', '.2', '.5', '.17', '.'])
    t += r.choice(['', '', 'd', 's', 'f', 'F', 'e', 'E', 'g', 'G', '%', 'x', 'X', 'o', 'b', 'c', 'n', 'q', 'é', '\x01'])
    return t


def make_spec():
    k = r.randrange(8)
    t = some_spec() or 's'
    v = s(6) if k == 0 else r.random() < .5 if k == 1 else some_int() if k < 5 else some_float()
    if '9' * 20 in t: return emit('spec', v, t, attempt(format, v, t)) if 'Too many' in str(attempt(format, v, t)) else None
    emit('spec', v, t, attempt(format, v, t))


def make_percent():
    t = ''
    for _ in range(r.randrange(1, 4)):
        t += r.choice(['', 'x', 'é', '%%', '€ '])
        t += '%' + ''.join(r.choice(['', '', '-', '+', ' ', '#', '0']) for _ in range(3))
        t += r.choice(['', '', '3', '8', '*', '20']) + r.choice(['', '', '.', '.0', '.2', '.*', '.12']) + r.choice(['', '', 'l'])
        t += r.choice('diuoxXeEfFgGcsra%') if r.random() < .93 else r.choice(['', 'q', '\x01', 'é', '(', 'hh', '\n'])
    a = tuple(r.choice([some_int, some_float, lambda: s(4), lambda: r.randrange(-12, 200)])() for _ in range(r.randrange(1, 6)))
    if any(isinstance(x, float) and x - x for x in a) or any(isinstance(x, int) and abs(x) > (500 if '*' in t else 10**12) for x in a): return
    v = attempt(lambda: t % a)
    if isinstance(v, Exception) and not isinstance(v, (ValueError, TypeError, OverflowError)): v = None
    if isinstance(v, TypeError) and str(v) not in ('not enough arguments for format string', 'not all arguments converted during string formatting', '* wants int'): v = None
    emit('percent', t, list(a), v)


def make_format():
    t = ''.join(r.choice(['{', '}', '{{', '}}', '{}', '{0}', '{1}', '{a}', '{b!r}', '{:>5}', '{:{}}', '{0:{1}}', '{a:{b}}', '{!s:>4}', '{b[0]}', '{b[0', '[', ']', '!', ':', '.', 'x', 'é', '{1[1]}', '{a.}', '{0[', '{!x}', '{!', '{:{:{}}}', '{' + '9' * 20 + '}', '{1[0]x}', '{1[]}', '{c}', '{7}']) for _ in range(r.choice([1, 1, 2, 3, 4])))
    v = attempt(lambda: t.format(3, 'xy', 12, a=7, b='zz'))
    if isinstance(v, Exception) and not isinstance(v, ValueError): v = None
    emit('format', t, v)


def make_random():
    seed = r.choice([r.randrange(-5, 100), r.getrandbits(200), -r.getrandbits(64), 'seed', 'été', '', 1.5])
    version = 2
    if isinstance(seed, str) and r.random() < .3: version = 1
    g = random.Random()
    g.seed(seed, version=version)
    calls, results = [], []
    for _ in range(r.randrange(1, 7)):
        name = r.choice('random uniform triangular triangular normalvariate gauss gauss lognormvariate expovariate vonmisesvariate gammavariate gammavariate betavariate paretovariate weibullvariate binomialvariate binomialvariate getrandbits randrange randrange shuffle sample sample choices weighted'.split())
        f = lambda: round(r.uniform(.1, 9), 2)
        args = {'random': [], 'triangular': r.choice([[1.0, 4.0], [1.0, 4.0, 2.0], [2.0, 2.0, 2.0]]), 'expovariate': [f()], 'paretovariate': [f()],
                'gammavariate': [r.choice([f(), .5, 1.0, .01]), f()], 'binomialvariate': [r.choice([0, 1, 2, 10, 100, 5000]), r.choice([.5, .1, .9, 0.0, 1.0, round(r.random(), 3)])],
                'getrandbits': [r.choice([0, 1, 8, 31, 32, 33, 64, 65, 200])],
                'randrange': r.choice([[10], [0], [-3, 5], [5, 5], [0, 100, 7], [100, 0, -9], [5, 0, 2], [1, 2, 0], [0, 10**40], [2**64], [1]]),
                'shuffle': [r.choice([0, 1, 2, 10, 40])], 'sample': r.choice([[10, 3], [100, 5], [100, 6], [1000, 20], [30, 30], [300, 60], [22, 1], [3, 4]]),
                'choices': [r.choice([1, 5, 1000]), r.randrange(6)], 'weighted': [[float(r.randrange(0, 9)) for _ in range(r.randrange(1, 6))], 4]}.get(name, [f(), f()])
        if name == 'shuffle':
            v = list(range(args[0])); g.shuffle(v)
        elif name == 'sample':
            v = attempt(lambda: g.sample(range(args[0]), args[1]))
            if isinstance(v, Exception): v = None
        elif name == 'choices': v = g.choices(range(args[0]), k=args[1])
        elif name == 'weighted': v = attempt(lambda: g.choices(range(len(args[0])), args[0], k=args[1]))
        else: v = attempt(getattr(g, name), *args)
        calls += [name, *args]; results.append(v)
    emit('version%d' % version, seed, calls, results)


make = globals()['make_' + name]
while len(out) < n:
    make()
print('\n'.join(out))
