"""Writes protocol.txt: random calls of the methods of str and their results.
Run: PYTHONHASHSEED=0 python3.13 protocol.py 700 > protocol.txt"""

import random,sys
r=random.Random(int(sys.argv[2]) if len(sys.argv)>2 else 3)
n=int(sys.argv[1])
alph=["abcXYZ  \t\n'\"\\","aAbB zZ9_","éÉßÿµ xX\xa0\x85\xad","ΑΣσς ΌΔάé'","ǅǆǄ ŉİıſﬁ","日本語 \u3000a","😀𝒜 \U00010400\U00010428aΣ","\ud800\udfff a\u2028\r\n","0123٣²½ⅷ൹","\u0301\u0345\u00adΣa'.:", "ab"]
def s(maxn=14):
    k=r.random()
    al=r.choice(alph)
    if k<.2: al=al+r.choice(alph)
    return ''.join(r.choice(al) for _ in range(r.choice([0,1,2,3,r.randrange(maxn+1),r.randrange(maxn+1)])))
def enc(x):
    if x is None: return '-'
    if x is True: return 'T'
    if x is False: return 'F'
    if isinstance(x,int): return str(x)
    if isinstance(x,(list,tuple)): return '['+';'.join(enc(y) for y in x)+']'
    return '"'+'.'.join('%x'%ord(c) for c in x)
def sub(t):
    if r.random()<.7 and t:
        i=r.randrange(len(t)); return t[i:i+r.choice([1,1,2,3])]
    return s(3)
out=[]
def emit(op,*a):
    out.append(op+'\t'+'\t'.join(enc(x) for x in a))
for _ in range(n):
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
print('\n'.join(out))
