"""Writes protocol.txt: random operations on four sets and the order after each.
Run: PYTHONHASHSEED=0 python3.13 protocol.py 500 > protocol.txt"""

import random
r=random.Random(7)
def pool(kind):
    if kind==0: return [r.randrange(-50,200) for _ in range(60)]
    if kind==1: return [r.choice([-1,1])*r.getrandbits(r.choice([5,12,40,62])) for _ in range(80)]
    if kind==2: return [i*r.choice([8,64,1024,2**32]) for i in range(60)]
    return [hash('k%d'%i) for i in range(90)]
out=[]
def fmt(s): return ','.join(str(x) for x in s)
sets=[set() for _ in range(4)]
kind=0; P=pool(0)
import sys
n=int(sys.argv[1])
for step in range(n):
    if step%120==0:
        kind=(kind+1)%4; P=pool(kind); sets=[set() for _ in range(4)]; out.append('reset')
    a,b,c=r.randrange(4),r.randrange(4),r.randrange(4)
    op=r.choice(['add']*6+['adds']*3+['discard']*3+['pop','pops','clear','copy','update','or','and','sub','xor','isub','iand','ixor','dictupdate','drop'])
    if op=='add':
        x=r.choice(P); sets[a].add(x); out.append(f'add {a} {x}')
    elif op=='adds':
        xs=[r.choice(P) for _ in range(r.randrange(3,40))]
        for x in xs: sets[a].add(x)
        out.append(f'adds {a} {",".join(map(str,xs))}')
    elif op=='discard':
        x=r.choice(P); sets[a].discard(x); out.append(f'discard {a} {x}')
    elif op=='drop':
        xs=[r.choice(P) for _ in range(r.randrange(3,40))]
        for x in xs: sets[a].discard(x)
        out.append(f'drop {a} {",".join(map(str,xs))}')
    elif op=='pop':
        if not sets[a]: continue
        x=sets[a].pop(); out.append(f'pop {a} {x}')
    elif op=='pops':
        k=min(len(sets[a]),r.randrange(12)); xs=[sets[a].pop() for _ in range(k)]
        for x in xs: out.append(f'pop {a} {x}')
        if not xs: continue
    elif op=='clear': 
        sets[a].clear(); out.append(f'clear {a}')
    elif op=='copy': sets[a]=sets[b].copy(); out.append(f'copy {a} {b}')
    elif op=='update': 
        if a==b: continue
        sets[a].update(sets[b]); out.append(f'update {a} {b}')
    elif op=='dictupdate':
        xs=[r.choice(P) for _ in range(r.randrange(3,20))]; xs=list(dict.fromkeys(xs))
        sets[a].update(dict.fromkeys(xs)); out.append(f'dictupdate {a} {",".join(map(str,xs))}')
    elif op in('or','and','sub','xor'):
        if b==c: continue
        f={'or':set.__or__,'and':set.__and__,'sub':set.__sub__,'xor':set.__xor__}[op]
        sets[a]=f(sets[b],sets[c]); out.append(f'{op} {a} {b} {c}')
    else:
        if a==b: continue
        f={'isub':set.__isub__,'iand':set.__iand__,'ixor':set.__ixor__}[op]
        f(sets[a],sets[b]); out.append(f'{op} {a} {b}')
    out.append(f'= {fmt(sets[a])}')
print('\n'.join(out))
